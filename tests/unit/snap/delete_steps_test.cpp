#include "plugins/snap/delete_plan.h"

#include "common/view/plan_view.h"
#include "plugins/snap/protect_plan.h"
#include "tests/golden/golden.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::snap;
using holdfast::testing::ids;

namespace {

Link link_named(const std::string& name, const std::string& policy) {
    Link one;
    one.snapshot_name = name;
    kube::Snapshot snapshot;
    snapshot.name = name;
    snapshot.space = "shop";
    snapshot.uid = "uid-" + name;
    snapshot.content = "content-" + name;
    snapshot.cut_at = "2026-11-21T04:00:01Z";
    snapshot.ready = true;
    snapshot.restore_size = 256LL << 20;
    kube::SnapshotContent content;
    content.name = snapshot.content;
    content.uid = "content-uid-" + name;
    content.deletion_policy = policy;
    content.snapshot_name = name;
    content.snapshot_space = "shop";
    content.snapshot_uid = snapshot.uid;
    one.snapshot = snapshot;
    one.content = content;
    one.annotations = {{"holdfast.dev/record", "{}"}};
    return one;
}

Subject set_under(const std::string& name, const std::string& policy = "Delete") {
    Subject subject;
    subject.name = {true, name};
    kube::SnapshotSet set;
    set.name = name;
    set.space = "shop";
    set.uid = "uid-" + name;
    set.complete = true;
    set.operation = "snap-postgres-abcde";
    set.members.resize(2);
    subject.set = set;
    subject.links = {link_named(name + "-0", policy), link_named(name + "-1", policy)};
    return subject;
}

Standing of_postgres(const std::string& name, bool ready = true, bool checked = false) {
    return {name, true, "StatefulSet/postgres", {"data-postgres-0"}, {name + "-0", name + "-1"}, ready, checked};
}

DeleteFacts facts_by_id(std::vector<Subject> subjects, std::vector<Standing> standings) {
    DeleteFacts facts;
    facts.space = "shop";
    facts.subjects = std::move(subjects);
    facts.standings = std::move(standings);
    return facts;
}

std::string refusal(const Result<plan::Plan>& plan) {
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kRefused);
    CHECK(plan.error().message.find("nothing was changed") != std::string::npos);
    return plan.error().message + " / " + plan.error().hint;
}

}  // namespace

TEST_CASE("a set goes snapshot by snapshot, by uid, and its record last") {
    const auto plan =
        plan_delete(facts_by_id({set_under("first")}, {of_postgres("first"), of_postgres("second")}), {}, false);
    REQUIRE(plan.ok());
    golden::check("snap/delete.txt", view::plan_text(*plan, false) + view::permissions_text(*plan));
    CHECK(plan->asks);
    CHECK(std::get<plan::Delete>(plan->steps[0].action).preconditions.uid == "uid-first-0");
    CHECK(plan->steps.back().after == std::vector<std::string>{"gone"});
}

TEST_CASE("the last set of a workload that can be restored is kept, unless forced") {
    const auto alone = facts_by_id({set_under("first")}, {of_postgres("first"), of_postgres("unready", false)});
    CHECK(refusal(plan_delete(alone, {}, false)).find("the last one of StatefulSet/postgres that can be restored") !=
          std::string::npos);
    DeleteOptions forced;
    forced.force = true;
    CHECK(plan_delete(alone, forced, false).ok());
    // What is deleted together does not count as left over.
    const auto both =
        facts_by_id({set_under("first"), set_under("second")}, {of_postgres("first"), of_postgres("second")});
    CHECK(refusal(plan_delete(both, {}, false)).find("set/first") != std::string::npos);
    // A set that cannot be restored is nobody's last hope.
    CHECK(plan_delete(facts_by_id({set_under("unready")}, {of_postgres("unready", false)}), {}, false).ok());
    // Another workload's set is no replacement.
    Standing other = of_postgres("other");
    other.workload = "StatefulSet/mysql";
    CHECK_FALSE(plan_delete(facts_by_id({set_under("first")}, {of_postgres("first"), other}), {}, false).ok());
}

TEST_CASE("the last set whose restore was checked is kept, unless forced") {
    const auto facts = facts_by_id({set_under("first")}, {of_postgres("first", true, true), of_postgres("second")});
    CHECK(refusal(plan_delete(facts, {}, false)).find("whose restore was checked") != std::string::npos);
    CHECK(plan_delete(
              facts_by_id({set_under("first")}, {of_postgres("first", true, true), of_postgres("second", true, true)}),
              {}, false)
              .ok());
}

TEST_CASE("a single snapshot is the last if no other, in a set or not, is ready for its claim") {
    Subject single;
    single.name = {false, "nightly"};
    single.links = {link_named("nightly", "Delete")};
    const Standing own{"nightly", false, "pvc/data-postgres-0", {"data-postgres-0"}, {}, true, false};
    CHECK(refusal(plan_delete(facts_by_id({single}, {own}), {}, false))
              .find("vs/nightly: it is the last one of pvc/data-postgres-0") != std::string::npos);
    CHECK(plan_delete(facts_by_id({single}, {own, of_postgres("first")}), {}, false).ok());
    const Standing imported{"nightly", false, "pvc/", {""}, {}, true, false};
    CHECK(plan_delete(facts_by_id({single}, {imported}), {}, false).ok());
}

TEST_CASE("a claim that is not bound yet keeps what it is made of") {
    Subject subject = set_under("first");
    subject.links[1].pending = {"restored"};
    const auto facts = facts_by_id({subject}, {of_postgres("first"), of_postgres("second")});
    CHECK(refusal(plan_delete(facts, {}, false)).find("pvc/restored is not bound yet and is made of vs/first-1") !=
          std::string::npos);
    DeleteOptions forced;
    forced.force = true;
    const auto plan = plan_delete(facts, forced, false);
    REQUIRE(plan.ok());
    CHECK(plan->notes.back().find("pvc/restored still needs vs/shop/first-1") != std::string::npos);
}

TEST_CASE("under Retain the storage keeps its copy, and that is said; --storage takes it along") {
    const auto facts = facts_by_id({set_under("first", "Retain")}, {of_postgres("first"), of_postgres("second")});
    const auto plan = plan_delete(facts, {}, false);
    REQUIRE(plan.ok());
    CHECK(plan->notes.front().find("the storage keeps 2 copies") != std::string::npos);
    CHECK(ids(*plan) == std::vector<std::string>{"delete-vs-0", "delete-vs-1", "gone", "delete-set-first"});
    DeleteOptions storage;
    storage.storage = true;
    const auto all = plan_delete(facts, storage, false);
    REQUIRE(all.ok());
    golden::check("snap/delete-storage.txt", view::plan_text(*all, false));
    // The policy first, or the content would stay behind for ever.
    CHECK(all->steps[0].id.find("release-content") == 0);
    CHECK(all->steps[1].after == std::vector<std::string>{all->steps[0].id});
}

TEST_CASE("a set that is just being made belongs to its operation") {
    Subject subject = set_under("first");
    subject.set->complete = false;
    DeleteFacts facts = facts_by_id({subject}, {of_postgres("first", false)});
    facts.open_journals = {"snap-postgres-abcde"};
    DeleteOptions forced;
    forced.force = true;
    const auto plan = plan_delete(facts, forced, false);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kLocked);
    CHECK(plan.error().hint.find("kubectl snap abort snap-postgres-abcde") != std::string::npos);
    facts.open_journals.clear();
    CHECK(plan_delete(facts, {}, false).ok());
}

TEST_CASE("a resume finishes what was allowed, without a record that is gone already") {
    Subject subject = set_under("first");
    subject.links[0].snapshot.reset();
    const auto plan = plan_delete(facts_by_id({subject}, {of_postgres("first")}), {}, true);
    REQUIRE(plan.ok());
    CHECK(ids(*plan) == std::vector<std::string>{"delete-vs-0", "gone", "delete-set-first"});
    subject.set->uid.clear();
    CHECK(ids(*plan_delete(facts_by_id({subject}, {of_postgres("first")}), {}, true)) ==
          std::vector<std::string>{"delete-vs-0", "gone"});
}

TEST_CASE("protect keeps the storage's copy and writes the record onto it") {
    const auto plan = plan_protect("shop", {set_under("first")});
    REQUIRE(plan.ok());
    golden::check("snap/protect.txt", view::plan_text(*plan, false));
    const auto& patch = std::get<plan::Patch>(plan->steps[0].action);
    CHECK(patch.body["spec"]["deletionPolicy"] == "Retain");
    CHECK(patch.body["metadata"]["annotations"]["holdfast.dev/record"] == "{}");
    CHECK(patch.preconditions.uid == "content-uid-first-0");
    CHECK_FALSE(plan->asks);
}

TEST_CASE("protecting twice changes nothing, and Retain without the record is not enough") {
    Subject subject = set_under("first", "Retain");
    CHECK(plan_protect("shop", {subject})->steps.size() == 2);
    for (Link& one : subject.links) one.content_annotations = one.annotations;
    CHECK(plan_protect("shop", {subject})->steps.empty());
}

TEST_CASE("protect refuses what is not whole") {
    Subject subject = set_under("first");
    subject.links[1].content.reset();
    CHECK(refusal(plan_protect("shop", {subject})).find("vs/shop/first-1 has no content yet") != std::string::npos);
    subject.links[1].snapshot.reset();
    CHECK(refusal(plan_protect("shop", {subject})).find("vs/shop/first-1 of set/first is gone") != std::string::npos);
    subject = set_under("first");
    subject.links[0].content->snapshot_uid = "other";
    CHECK(refusal(plan_protect("shop", {subject})).find("do not point at each other") != std::string::npos);
}
