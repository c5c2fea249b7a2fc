#include "common/plan/lock.h"

#include "tests/unit/plan/two_processes.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

Json with_spec(const kube::ObjectRef& ref, Json spec) {
    Json object = object_at(ref);
    object["spec"] = std::move(spec);
    return object;
}

Json owned(Json object, const char* api, const char* kind, const char* name) {
    object["metadata"]["ownerReferences"] = {
        {{"apiVersion", api}, {"kind", kind}, {"name", name}, {"uid", "u"}, {"controller", true}}};
    return object;
}

Json mounting(const char* claim) {
    return {{"volumes", {{{"name", "v"}, {"persistentVolumeClaim", {{"claimName", claim}}}}}}};
}

std::vector<std::string> locked(FakeCluster& cluster, const std::vector<kube::ObjectRef>& targets) {
    std::vector<std::string> out;
    const auto locks = resolve_locks(cluster, targets);
    REQUIRE(locks.ok());
    for (const Lock& lock : *locks) out.push_back(lock.workload.text());
    return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a lock is named by namespace, resource and name, and by nothing else") {
    const std::string name = lock_lease(sts("db")).name;
    CHECK(name.rfind("holdfast-lock-", 0) == 0);
    CHECK(name.size() <= 63);
    CHECK(lock_lease(sts("other")).name != name);
    CHECK(lock_lease({kube::kDeployments, "n", "db"}).name != name);
    CHECK(lock_lease({kube::kStatefulSets, "m", "db"}).name != name);
    CHECK(lock_lease(sts("db")).space == "n");

    FakeClock clock;
    FakeCluster cluster(clock);
    cluster.put(object_at(sts("db")));
    const auto before = *resolve_locks(cluster, {sts("db")});
    cluster.drop(sts("db"));
    cluster.put(object_at(sts("db")));
    const auto after = *resolve_locks(cluster, {sts("db")});
    CHECK(before[0].workload == after[0].workload);
    CHECK(before[0].uid != after[0].uid);
}

TEST_CASE("a claim stands for the workload whose template or pods use it") {
    FakeClock clock;
    FakeCluster cluster(clock);
    const kube::ObjectRef web{kube::kDeployments, "n", "web"};
    cluster.put(
        with_spec(sts("db"), {{"replicas", 0}, {"volumeClaimTemplates", {{{"metadata", {{"name", "data"}}}}}}}));
    cluster.put(with_spec(web, {{"template", {{"spec", mounting("shared")}}}}));
    const kube::ObjectRef set{kube::kReplicaSets, "n", "api-1"};
    cluster.put(owned(object_at(set), "apps/v1", "Deployment", "api"));
    cluster.put(owned(with_spec({kube::kPods, "n", "api-1-x"}, mounting("cache")), "apps/v1", "ReplicaSet", "api-1"));
    cluster.put(with_spec({kube::kPods, "n", "bare"}, mounting("loose")));

    CHECK(locked(cluster, {pvc("data-db-7")}) == Names{"sts/n/db"});  // scaled to 0, ordinal gone
    CHECK(locked(cluster, {pvc("shared")}) == Names{"deploy/n/web"});
    CHECK(locked(cluster, {pvc("cache")}) == Names{"deploy/n/api"});
    CHECK(locked(cluster, {{kube::kPods, "n", "api-1-x"}}) == Names{"deploy/n/api"});
    CHECK(locked(cluster, {pvc("loose")}) == Names{"pvc/n/loose"});
    CHECK(locked(cluster, {{kube::kPods, "n", "bare"}}) == Names{"pvc/n/loose"});
    CHECK(locked(cluster, {pvc("data-db-x")}) == Names{"pvc/n/data-db-x"});  // no ordinal: somebody's own claim
}

TEST_CASE("several locks come once each, in one order for everybody") {
    FakeClock clock;
    FakeCluster cluster(clock);
    std::vector<kube::ObjectRef> some, reversed;
    for (const char* name : {"a", "b", "c", "d", "e"}) some.push_back(sts(name));
    reversed.assign(some.rbegin(), some.rend());
    reversed.push_back(sts("a"));
    CHECK(locked(cluster, some) == locked(cluster, reversed));
    CHECK(locked(cluster, some).size() == 5);
}
