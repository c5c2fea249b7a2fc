#include "common/copies/live_pods.h"
#include "common/kube/objects/labels.h"
#include "plugins/snap/create_plan.h"
#include "plugins/snap/shared.h"
#include "tests/unit/snap/snap_support.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::snap;
using namespace holdfast::snap::testing;

namespace {

struct After {
    CutPlan cut;
    CreateOptions options;
    CutFacts facts;
};

// What the controllers have made of the first round: both cut, half a second apart.
After after_cut(std::map<std::string, std::vector<std::string>> values = {}) {
    After after;
    after.cut = *snap::testing::cut(base_facts(), values);
    values.try_emplace("name", std::vector<std::string>{"first"});
    after.options = *options_of({"sts/postgres"}, values);
    after.facts.set_object = kube::set_to_config_map(after.cut.set);
    after.facts.set_object["metadata"]["uid"] = "set-uid";
    after.facts.set_object["metadata"]["resourceVersion"] = "17";
    for (std::size_t i = 0; i < after.cut.set.members.size(); ++i) {
        const std::string number = std::to_string(i), name = after.cut.set.members[i].snapshot;
        after.facts.snapshots.emplace_back(
            Json{{"metadata", {{"name", name}, {"namespace", "shop"}, {"uid", "vs-uid-" + number}}},
                 {"status",
                  {{"boundVolumeSnapshotContentName", "content-" + number},
                   {"creationTime", "2026-11-21T04:30:01Z"},
                   {"readyToUse", false}}}});
        kube::SnapshotContent content;
        content.name = "content-" + number;
        content.snapshot_space = "shop";
        content.snapshot_name = name;
        content.snapshot_uid = "vs-uid-" + number;
        content.volume_handle = after.cut.volume_handles[i];
        content.cut_at = i == 0 ? "2026-11-21T04:30:01.250000Z" : "2026-11-21T04:30:01.750000Z";
        after.facts.contents.push_back(content);
    }
    after.facts.volume_handles = after.cut.volume_handles;
    return after;
}

kube::SnapshotSet completed(const plan::Plan& plan) {
    for (const plan::Step& step : plan.steps) {
        if (step.id != "complete-set") continue;
        const auto& patch = std::get<plan::Patch>(step.action);
        CHECK(patch.preconditions == kube::Preconditions{"set-uid", "17"});
        Json object = {{"metadata", {{"name", "holdfast-set-first"}, {"namespace", "shop"}}},
                       {"data", patch.body["data"]}};
        return *kube::set_from_config_map(object);
    }
    FAIL("the set is never marked complete");
    return {};
}

}  // namespace

TEST_CASE("a set becomes complete with the moments of its cuts") {
    const After after = after_cut();
    const auto plan = plan_complete(after.facts, after.cut.set, after.options, "none", {});
    REQUIRE(plan.ok());
    const kube::SnapshotSet set = completed(*plan);
    CHECK(set.complete);
    CHECK(set.consistency == "none");
    CHECK(set.skew_ms == 500);
    CHECK(set.members[0].snapshot_uid == "vs-uid-0");
    CHECK(plan->steps.size() == 1);  // no write a snapshot where there is nothing new to say
    CHECK(plan->last);
}

TEST_CASE("what was proven of hooks and database is repeated on every snapshot") {
    const After after = after_cut({{"pre", {"true"}}, {"post", {"true"}}, {"wait", {"ready"}}});
    const kube::AppFacts app = parse_app(
        "data_directory=/data/pgdata\nmajor=15\nDatabase system identifier:   7300000000000000001\n"
        "Latest checkpoint's TimeLineID:       2\n");
    const auto plan = plan_complete(after.facts, after.cut.set, after.options, "quiesced", app);
    REQUIRE(plan.ok());
    const kube::SnapshotSet set = completed(*plan);
    CHECK(set.consistency == "quiesced");
    CHECK(set.app.system_identifier == "7300000000000000001");
    REQUIRE(plan->steps.size() == 4);
    CHECK(plan->steps.back().id == "ready");
    const auto& note = std::get<plan::Patch>(plan->steps.front().action);
    CHECK(note.preconditions.uid == "vs-uid-0");
    Json snapshot = *after.facts.snapshots[0];
    snapshot["metadata"]["annotations"] = note.body["metadata"]["annotations"];
    const auto rebuilt = kube::set_from_snapshots("first", {snapshot});
    REQUIRE(rebuilt.ok());
    CHECK(rebuilt->consistency == "quiesced");
    CHECK(rebuilt->app.timeline == "2");
}

TEST_CASE("a set stays incomplete if a member vanished, is not cut, or is bound to another's content") {
    After after = after_cut();
    after.facts.contents[1].snapshot_uid = "other";
    auto plan = plan_complete(after.facts, after.cut.set, after.options, "none", {});
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(plan.error().message.find("do not point at each other: set/shop/first stays incomplete") !=
          std::string::npos);

    after = after_cut();
    (*after.facts.snapshots[0])["status"].erase("creationTime");
    plan = plan_complete(after.facts, after.cut.set, after.options, "none", {});
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kUnavailable);

    after = after_cut();
    after.facts.snapshots[0].reset();
    plan = plan_complete(after.facts, after.cut.set, after.options, "none", {});
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().message.find("vs/shop/first-data-postgres-0 was deleted") != std::string::npos);
}

TEST_CASE("what a container prints is taken only as far as it has the form of the fact") {
    const kube::AppFacts app =
        parse_app("data_directory=/data/\x1b[2Jpg\nmajor=15; rm -rf\nDatabase system identifier: x\n");
    CHECK(app.kind == "postgres");
    CHECK(app.data_directory.find('\x1b') == std::string::npos);
    CHECK(app.major_version.empty());
    CHECK(app.system_identifier.empty());
    CHECK(parse_app("").kind.empty());
    CHECK(parse_app("major=15\n").kind.empty());
}

TEST_CASE("bad input 39: a claim that was deleted and made again while it was cut leaves the set incomplete") {
    After after = after_cut();
    REQUIRE(after.cut.volume_handles.size() == 2);
    REQUIRE_FALSE(after.cut.volume_handles[1].empty());
    REQUIRE(plan_complete(after.facts, after.cut.set, after.options, "none", {}).ok());
    after.facts.contents[1].volume_handle = "of-the-new-claim";
    const auto plan = plan_complete(after.facts, after.cut.set, after.options, "none", {});
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(plan.error().message.find("pvc/shop/data-postgres-1") != std::string::npos);
}
