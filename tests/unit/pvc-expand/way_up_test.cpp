// What abort waits for when it has started what was stopped.
#include "plugins/pvc-expand/expand.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

using Ids = std::vector<std::string>;

// --restart offline of sts/shop/db, with the journal's record.
struct Started {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster{clock};
    Expand operation{options(), clock, "", [](const ExpandFacts&) { return Result<Usage>(Usage()); }};
    plan::Input input;

    Started() {
        input.operation = kId;
        input.resuming = true;
        input.record = record_json(record());
        input.record["restart"] = "offline";
        input.record["stopped"] =
            Json::array({plan::held_workload_json(plan::held_workload({kube::kStatefulSets, "shop", "db"}, set()))});
        for (const int i : {0, 1}) cluster.put(claim(i));
        for (const int i : {0, 1}) cluster.put(pod(i));
    }
    std::vector<plan::Step> awaited(const Json& live) {
        cluster.put(live);
        const auto plan = operation.take_back(cluster, input);
        REQUIRE(plan.ok());
        return (*plan)->awaited;
    }
    Ids ids(const Json& live) {
        Ids all;
        for (const plan::Step& step : awaited(live)) all.push_back(step.id);
        return all;
    }
};

Json with_ready(int ready) {
    Json up = set();
    up["status"]["readyReplicas"] = ready;
    return up;
}

}  // namespace

TEST_CASE("abort waits for what it starts, and for the pods that still end, which the set counts as ready") {
    Started f;
    Json down = set();
    down["spec"]["replicas"] = 0;
    down["metadata"]["annotations"][labels::kReplicas] = "2";
    CHECK(f.ids(down) == Ids{"up-db"});
    Json going = pod(1);
    going["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z";
    f.cluster.put(going);
    CHECK(f.ids(with_ready(2)) == Ids{"ended-db", "up-db"});
    CHECK(std::get<plan::WaitFor>(f.awaited(with_ready(2))[0].action).uids == Ids{"uid-pod-1"});
    f.cluster.put(pod(1));
    CHECK(f.ids(with_ready(2)).empty());
}

TEST_CASE("pods that are not ready are waited for by abort only if the operation has stopped them") {
    Started f;
    CHECK(f.ids(with_ready(1)).empty());
    f.input.record[kHeld] = Json::object();
    CHECK(f.ids(with_ready(1)) == Ids{"up-db"});
}
