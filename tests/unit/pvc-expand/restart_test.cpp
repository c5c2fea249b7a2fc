#include "plugins/pvc-expand/rounds.h"

#include "plugins/pvc-expand/usage.h"
#include "tests/golden/golden.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT
using holdfast::testing::ids;

namespace {

const std::vector<std::string> kWaited = {kNodes};

ExpandRecord restarting(int replicas = 3) {
    ExpandRecord made = record(replicas);
    made.restart = Restart::kIfNeeded;
    return made;
}

Json waiting(int ordinal) {
    Json made = claim(ordinal, "20Gi", "10Gi");
    made["status"]["allocatedResources"] = {{"storage", "20Gi"}};
    made["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    return made;
}

// Every volume has grown, and no filesystem.
ExpandState on_nodes(int replicas = 3) {
    ExpandState at = state(replicas);
    for (int i = 0; i < replicas; ++i) {
        at.claims["data-db-" + std::to_string(i)] = waiting(i);
        at.pods[static_cast<std::size_t>(i)]["status"]["conditions"] =
            Json::array({{{"type", "Ready"}, {"status", "True"}}});
    }
    return at;
}

}  // namespace

TEST_CASE("without --restart no pod is ever evicted, however long its filesystem takes") {
    CHECK(stage_of(record(3), on_nodes(), kId, kWaited) == Stage::kGrow);
}

TEST_CASE("a pod is restarted only when its volume has grown and its filesystem has had time") {
    const ExpandRecord made = restarting();
    CHECK(stage_of(made, on_nodes(), kId) == Stage::kGrow);
    CHECK(stage_of(made, on_nodes(), kId, kWaited) == Stage::kRestart);
    ExpandState half = on_nodes();
    half.claims["data-db-0"]["status"].erase("allocatedResourceStatuses");
    CHECK(stage_of(made, half, kId, kWaited) == Stage::kGrow);
}

TEST_CASE("first the volumes are waited for, then the filesystems for a while, whose failure ends nothing") {
    const plan::Plan plan = planned(Stage::kGrow, restarting(), state(3));
    const plan::Step& last = plan.steps.back();
    CHECK(last.id == "wait-filesystems");
    CHECK(last.optional);
    CHECK(last.limit == std::chrono::milliseconds(120000));
    CHECK(plan.steps[plan.steps.size() - 2].id == "wait-grown");
}

TEST_CASE("pods are evicted one at a time, the highest ordinal first, and each is waited for") {
    golden::check("pvc-expand/restart.json",
                  plan::to_json(planned(Stage::kRestart, restarting(), on_nodes())).dump(2) + "\n");
}

TEST_CASE("a pod whose filesystem has grown is left alone") {
    ExpandState at = on_nodes();
    at.claims["data-db-2"] = claim(2, "20Gi");
    for (const std::string& id : ids(planned(Stage::kRestart, restarting(), at))) CHECK(id != "evict-db-2");
}

TEST_CASE("a pod that serves nobody is restarted first, and waits for no other") {
    ExpandState at = on_nodes();
    at.pods[0]["status"].erase("conditions");
    CHECK(ids(planned(Stage::kRestart, restarting(), at)).front() == "evict-db-0");
}

TEST_CASE("of pods that serve nobody the lowest ordinal is first: with OrderedReady no other one would come") {
    ExpandState at = on_nodes();
    for (const std::size_t i : {0, 1}) at.pods[i]["status"].erase("conditions");
    std::vector<std::string> evicted;
    for (const std::string& id : ids(planned(Stage::kRestart, restarting(), at))) {
        if (id.rfind("evict-", 0) == 0) evicted.push_back(id);
    }
    CHECK(evicted == std::vector<std::string>{"evict-db-0", "evict-db-1", "evict-db-2"});
}

TEST_CASE("a StatefulSet that is one pod short is not calm, whoever stands under that pod's name") {
    ExpandState at = on_nodes();
    at.pods[1]["metadata"].erase("ownerReferences");  // somebody's own pod: the controller cannot make db-1
    at.sets.clear();                                  // its template stays as it is: only its pod names it
    ExpandRecord made = restarting();
    made.sets.clear();
    at.pods[1]["spec"].erase("volumes");
    const plan::Plan plan = planned(Stage::kRestart, made, at);
    const auto step = [&](const std::string& id) -> const plan::Step* {
        for (const plan::Step& one : plan.steps) {
            if (one.id == id) return &one;
        }
        return nullptr;
    };
    const plan::Step* whole = step("whole-db-2");
    REQUIRE(whole != nullptr);
    const auto* wait = std::get_if<plan::WaitFor>(&whole->action);
    REQUIRE(wait != nullptr);
    CHECK(wait->resource == kube::kStatefulSets);
    CHECK(wait->names == std::vector<std::string>{"db"});
    CHECK(wait->condition == plan::Condition::kAllReady);
    CHECK(step("evict-db-2")->after == std::vector<std::string>{"whole-db-2"});
    // One that serves nobody may be the one that is short: it waits for no other.
    at.pods[0]["status"].erase("conditions");
    CHECK(ids(planned(Stage::kRestart, made, at)).front() == "evict-db-0");
}

TEST_CASE("a template that was changed since is not rolled out by a restart") {
    ExpandState at = on_nodes();
    at.sets["db"]["spec"]["updateStrategy"]["type"] = "OnDelete";
    at.sets["db"]["status"]["updateRevision"] = "db-2";
    const auto plan = plan_round(Stage::kRestart, restarting(), at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(plan.error().message.find("pod/shop/db-2 would come again as revision db-2 and is db-1") !=
          std::string::npos);
}

TEST_CASE("a pod that serves nobody is evicted only when every lower one is ready, unless its set is Parallel") {
    ExpandState at = on_nodes();
    at.claims["data-db-0"] = claim(0, "20Gi");  // its own filesystem is not what db-0 lacks
    at.pods[0]["status"].erase("conditions");
    at.pods[1]["status"].erase("conditions");
    const plan::Plan plan = planned(Stage::kRestart, restarting(), at);
    REQUIRE(plan.steps.front().id == "lower-db-1");
    CHECK(plan.steps.front().title == "wait until the pods of lower ordinals are ready");
    CHECK(std::get<plan::WaitFor>(plan.steps.front().action).names == std::vector<std::string>{"db-0"});
    at.sets["db"]["spec"]["podManagementPolicy"] = "Parallel";
    CHECK(ids(planned(Stage::kRestart, restarting(), at)).front() == "evict-db-1");
}

TEST_CASE("between two evictions a pod is ready for minReadySeconds") {
    ExpandState at = on_nodes();
    at.sets["db"]["spec"]["minReadySeconds"] = 7;
    const plan::Plan plan = planned(Stage::kRestart, restarting(), at);
    CHECK(plan.steps[4].id == "mounted-db-2");
    CHECK(plan.steps[4].pause == std::chrono::seconds(7));
}

TEST_CASE(
    "a pod that nobody would make again, or that would come with another template, is refused before any change") {
    ExpandFacts made;
    facts(made);
    ExpandOptions wanted = options();
    wanted.restart = Restart::kIfNeeded;
    made.pods[1]["metadata"]["ownerReferences"] = Json::array();
    CHECK(choose(wanted, made).error().message.find("is of no StatefulSet or Deployment: evicted, it would be gone") !=
          std::string::npos);
    made.pods[1] = pod(1);
    made.sets[0]["spec"]["updateStrategy"]["type"] = "OnDelete";
    made.pods[1]["metadata"]["labels"]["controller-revision-hash"] = "db-0";
    CHECK(choose(wanted, made).error().message.find("pod/shop/db-1 would come again as revision db-1 and is db-0") !=
          std::string::npos);
    wanted.restart = Restart::kNever;
    CHECK(choose(wanted, made).ok());
}

TEST_CASE("whether pods may be restarted is in the journal, and in what the claims tell") {
    const ExpandRecord made = restarting();
    CHECK(record_of(record_json(made), "shop")->restart == Restart::kIfNeeded);
    CHECK(record_of(trace_json(made, "db", kId), "shop")->restart == Restart::kIfNeeded);
}

TEST_CASE("what a kubelet measures is read for the claims that are asked for") {
    const Json summary = {
        {"pods", Json::array({{{"podRef", {{"name", "db-0"}, {"namespace", "shop"}}},
                               {"volume", Json::array({{{"name", "data"},
                                                        {"pvcRef", {{"name", "data-db-0"}, {"namespace", "shop"}}},
                                                        {"capacityBytes", 1000},
                                                        {"usedBytes", 400},
                                                        {"availableBytes", 500},
                                                        {"inodes", 64},
                                                        {"inodesUsed", 12}},
                                                       {{"name", "token"}, {"usedBytes", 1}}})}},
                              {{"podRef", {{"name", "db-0"}, {"namespace", "other"}}},
                               {"volume", Json::array({{{"name", "data"},
                                                        {"pvcRef", {{"name", "data-db-0"}, {"namespace", "other"}}},
                                                        {"usedBytes", 7}}})}}})}};
    const auto found = usage_in_summary(summary, "shop", {"data-db-0", "data-db-1"});
    REQUIRE(found.size() == 1);
    CHECK(found[0].pod == "db-0");
    CHECK(found[0].used_bytes == 400);
    CHECK(found[0].percent() == 45);
    CHECK(found[0].inodes_used == 12);
    CHECK(usage_in_summary(Json::object(), "shop", {"data-db-0"}).empty());
}

TEST_CASE("of a raw block device nothing is known, also where a kubelet says that nothing of it is used") {
    Json made = pod(0);
    made["spec"]["containers"] = Json::array(
        {{{"name", "main"}, {"volumeDevices", Json::array({{{"name", "data"}, {"devicePath", "/dev/x"}}})}}});
    std::vector<ClaimUsage> all(2);
    all[0].claim = "data-db-0";
    all[0].capacity_bytes = 1000;
    all[0].used_bytes = all[0].free_bytes = 0;
    all[1].claim = "data-db-1";
    all[1].used_bytes = 7;
    tell_devices({made, pod(1)}, all);
    CHECK(all[0].used_bytes == -1);
    CHECK(all[0].capacity_bytes == 1000);
    CHECK(all[0].problem == "a raw block device of pod/db-0: only what writes to it knows how much is used");
    CHECK(all[1].used_bytes == 7);
    CHECK(all[1].problem.empty());
}
