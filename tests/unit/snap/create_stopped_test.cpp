#include "plugins/snap/create_stopped.h"

#include "common/kube/objects/workload.h"
#include "tests/unit/snap/snap_support.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <functional>

using namespace holdfast;
using namespace holdfast::snap;
using namespace holdfast::snap::testing;

namespace {

Json stopped_workload() {
    Json workload = base_facts()["workloads"][0];
    workload["metadata"]["generation"] = 7;
    workload["spec"]["replicas"] = 0;
    workload["status"] = {{"replicas", 0}, {"observedGeneration", 7}};
    return workload;
}

std::size_t stopped_with(const std::function<void(Json& workload, Json& facts)>& change) {
    Json facts = base_facts();
    facts["pods"] = Json::array();
    facts["workloads"][0] = stopped_workload();
    change(facts["workloads"][0], facts);
    return stopped_before(live_facts_from_json(facts), *options_of({"sts/postgres"})).size();
}

// What the second look finds of a workload that stood still at the first.
bool still_stopped(const std::function<void(Json& workload, holdfast::testing::FakeCluster& cluster)>& meanwhile) {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster(clock);
    const auto where = [](const char* name) { return kube::ObjectRef{kube::kStatefulSets, "shop", name}; };
    Json workload = stopped_workload();
    cluster.put(workload);
    workload = *cluster.at(where("postgres"));
    const std::vector<Stopped> before{{where("postgres"), kube::uid_of(workload), 7}};
    meanwhile(workload, cluster);
    cluster.put(workload);
    kube::SetMember member;
    member.claim = "data-postgres-0";
    return *stopped_still(cluster, "shop", before, {member});
}

Json pod_of(const std::string& claim, const std::string& phase) {
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", "debug"}, {"namespace", "shop"}}},
            {"spec", {{"volumes", {{{"name", "v"}, {"persistentVolumeClaim", {{"claimName", claim}}}}}}}},
            {"status", {{"phase", phase}}}};
}

}  // namespace

TEST_CASE("a workload at 0 replicas, seen by its controller and without pods, has stopped") {
    CHECK(stopped_with([](Json&, Json&) {}) == 1);
    CHECK(stopped_with([](Json& workload, Json&) { workload["spec"]["replicas"] = 1; }) == 0);
    CHECK(stopped_with([](Json& workload, Json&) { workload["status"]["replicas"] = 1; }) == 0);
    CHECK(stopped_with([](Json& workload, Json&) { workload["status"]["observedGeneration"] = 6; }) == 0);
    CHECK(stopped_with([](Json&, Json& facts) { facts["pods"] = base_facts()["pods"]; }) == 0);
}

TEST_CASE("what a selector chose may be anybody's: it is not said to have stopped") {
    Json facts = base_facts();
    facts["pods"] = Json::array();
    facts["workloads"][0] = stopped_workload();
    const auto options = options_of({"sts/postgres"}, {{"selector", {"app=postgres"}}, {"name", {"first"}}});
    CHECK(stopped_before(live_facts_from_json(facts), *options).empty());
}

TEST_CASE("a set is consistent as stopped only if nothing was started until after the cut") {
    using Cluster = holdfast::testing::FakeCluster;
    CHECK(still_stopped([](Json&, Cluster&) {}));
    CHECK(still_stopped([](Json&, Cluster& cluster) { cluster.put(pod_of("another", "Running")); }));
    CHECK(still_stopped([](Json&, Cluster& cluster) { cluster.put(pod_of("data-postgres-0", "Succeeded")); }));
    CHECK_FALSE(still_stopped([](Json&, Cluster& cluster) { cluster.put(pod_of("data-postgres-0", "Pending")); }));
    // Started and stopped again in between: only the generation tells.
    CHECK_FALSE(still_stopped([](Json& workload, Cluster&) {
        workload["metadata"]["generation"] = 9;
        workload["status"]["observedGeneration"] = 9;
    }));
    CHECK_FALSE(still_stopped([](Json& workload, Cluster&) { workload["metadata"]["uid"] = "of-another"; }));
    CHECK_FALSE(still_stopped([](Json& workload, Cluster&) { workload["spec"]["replicas"] = 1; }));
}

TEST_CASE("the plan says that a stopped workload's set is consistent") {
    Json facts = base_facts();
    facts["pods"] = Json::array();
    facts["workloads"][0] = stopped_workload();
    const auto planned = cut(facts);
    REQUIRE(planned.ok());
    CHECK(planned->stopped.size() == 1);
    CHECK(planned->plan.notes.back().starts_with("consistency: stopped, if nothing is started meanwhile"));
}
