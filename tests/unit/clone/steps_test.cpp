#include "plugins/clone/guards.h"
#include "scene.h"

#include "common/kube/objects/workload.h"

#include <doctest/doctest.h>

#include <variant>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

const plan::Step* find_step(const plan::Plan& plan, const std::string& id) {
    for (const plan::Step& step : plan.steps) {
        if (step.id == id) return &step;
    }
    return nullptr;
}

kube::Claim claim(const std::string& name, const std::string& operation) {
    kube::Claim one;
    one.name = name;
    one.space = "shop";
    one.phase = "Bound";
    one.operation = operation;
    return one;
}

Result<plan::Plan> made(const CloneOptions& wanted, bool retained = false) {
    auto choice = chosen(wanted);
    if (!choice.ok()) return choice.error();
    cut(*choice);
    if (retained) choice->sources.front().content->deletion_policy = "Retain";
    return plan_make(wanted, live_for(wanted), *choice, input(1), false);
}

}  // namespace

TEST_SUITE("clone steps") {
    TEST_CASE("the first round cuts every volume at once") {
        const auto choice = chosen(whole());
        check_golden("cut.json", plan_cut(whole(), *choice, kOperation));
    }

    TEST_CASE("a claim is made of the snapshot, and that goes when it is bound") {
        CloneOptions wanted = options();
        wanted.lifetime = std::chrono::hours(48);
        const auto plan = made(wanted);
        REQUIRE(plan.ok());
        check_golden("make.json", *plan);
    }

    TEST_CASE("in another namespace the snapshot is imported, never to be deleted from there") {
        CloneOptions wanted = options();
        wanted.to_space = "staging";
        const auto plan = made(wanted);
        REQUIRE(plan.ok());
        check_golden("make-elsewhere.json", *plan);
    }

    TEST_CASE("claims of one ordinal that wait for a pod have one pod") {
        CloneOptions wanted = whole();
        wanted.wishes.storage_class = "later";
        const auto plan = made(wanted);
        REQUIRE(plan.ok());
        check_golden("make-waits.json", *plan);
    }

    TEST_CASE("a snapshot under Retain is let go, or the storage would keep it for ever") {
        const auto plan = made(options(), true);
        REQUIRE(plan.ok());
        const plan::Step* patch = find_step(*plan, "reclaim-content-0");
        REQUIRE(patch != nullptr);
        CHECK(std::get<plan::Patch>(patch->action).preconditions.uid == "uid-content-0");
        CHECK(find_step(*plan, "delete-vs-0")->after == std::vector<std::string>{"reclaim-content-0"});
    }

    TEST_CASE("the driver's own clone names the source claim and cuts nothing") {
        CloneOptions wanted = options();
        wanted.method = Method::kClone;
        auto choice = chosen(wanted);
        const auto plan = plan_make(wanted, live_for(wanted), *choice, input(), false);
        REQUIRE(plan.ok());
        const auto& create = std::get<plan::Create>(find_step(*plan, "create-claim-copy")->action);
        CHECK(create.manifest["spec"]["dataSource"] ==
              Json({{"kind", "PersistentVolumeClaim"}, {"name", "data-postgres-0"}}));
        CHECK(create.must_survive == std::vector<std::string>{"/spec/dataSource/kind", "/spec/dataSource/name"});
        CHECK(find_step(*plan, "delete-vs-0") == nullptr);
    }

    TEST_CASE("a name that is taken is refused, or locked while its operation is not done") {
        const auto choice = chosen(options());
        Now now;
        now.claims["copy"] = claim("copy", "");
        CHECK(check_place(options(), *choice, now, kOperation).error().kind == ErrorKind::kRefused);
        now.claims["copy"] = claim("copy", "clone-copy-other");
        CHECK(check_place(options(), *choice, now, kOperation).error().kind == ErrorKind::kRefused);
        now.unfinished = {"clone-copy-other"};
        CHECK(check_place(options(), *choice, now, kOperation).error().kind == ErrorKind::kLocked);
        now.claims["copy"] = claim("copy", kOperation);
        CHECK(check_place(options(), *choice, now, kOperation).ok());
    }

    TEST_CASE("a namespace that goes away, and a quota without room, are refused") {
        const auto choice = chosen(options());
        Now now;
        now.terminating = true;
        CHECK(says(check_place(options(), *choice, now, kOperation).error().message, "terminating"));
        now.terminating = false;
        now.quotas = {
            {{"metadata", {{"name", "space"}}},
             {"status", {{"hard", {{"requests.storage", "500Mi"}}}, {"used", {{"requests.storage", "400Mi"}}}}}}};
        const Status full = check_place(options(), *choice, now, kOperation);
        REQUIRE_FALSE(full.ok());
        CHECK(says(full.error().message, "requests.storage"));
        CHECK(says(full.error().message, "300Mi"));
        now.claims["copy"] = claim("copy", kOperation);
        CHECK(check_place(options(), *choice, now, kOperation).ok());
    }

    TEST_CASE("a source whose namespace ends is refused, and told that its copy had to come before") {
        LiveFacts live = live_for(options());
        live.space_terminating = true;
        const auto refused = choose(options(), live, classes(live), kOperation);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == ErrorKind::kRefused);
        CHECK(says(refused.error().message, "namespace shop is terminating: nothing can be created in it"));
    }

    TEST_CASE("claims of two moments are never mixed") {
        auto choice = chosen(whole());
        cut(*choice);
        Now now;
        now.claims["data-copy-0"] = claim("data-copy-0", kOperation);
        CHECK(check_one_moment(whole(), *choice, now, kOperation).ok());
        choice->sources[1].snapshot.reset();
        const Status mixed = check_one_moment(whole(), *choice, now, kOperation);
        REQUIRE_FALSE(mixed.ok());
        CHECK(mixed.error().kind == ErrorKind::kConflict);
        now.claims["data-copy-1"] = claim("data-copy-1", kOperation);
        CHECK(check_one_moment(whole(), *choice, now, kOperation).ok());
    }

    TEST_CASE("a snapshot of a volume that was swapped meanwhile is no copy of the source") {
        auto choice = chosen(options());
        cut(*choice);
        const LiveFacts live = live_for(options());
        const std::string handle = kube::volume_source_of(live.volumes.at("pv-0")).handle;
        choice->sources[0].content->volume_handle = handle;
        CHECK(check_cut(options(), live, *choice).ok());
        choice->sources[0].content->volume_handle = "another";
        CHECK(check_cut(options(), live, *choice).error().kind == ErrorKind::kConflict);
    }
}
