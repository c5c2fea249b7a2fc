#include "tests/contract/objects.h"

// Evictions: what a PodDisruptionBudget holds up, and by what a pod is known.
namespace holdfast::contract {
namespace {

Json budget(const Stage& s, int available) {
    return {{"apiVersion", "policy/v1"},
            {"kind", "PodDisruptionBudget"},
            {"metadata", {{"name", "db"}, {"namespace", s.space}}},
            {"spec", {{"minAvailable", available}, {"selector", {{"matchLabels", {{"app", "db"}}}}}}}};
}

void all_ready(Stage& s, int replicas) {
    s.until(kStatefulSets, "db", "up",
            [&](const Json& one) { return kube::number_at(one, "/status/readyReplicas", 0) == replicas; });
}

}  // namespace

CONTRACT("evictions", "an evicted pod goes by its uid alone, and its set makes another") {
    s.make(stateful_set(s, "db", 1, false));
    all_ready(s, 1);
    const Json before = s.get(kPods, "db-0");
    FAILS(s.cluster.evict(s.ref(kPods, "db-0"), {"another", ""}), 409, "Conflict");
    FAILS(s.cluster.evict(s.ref(kPods, "db-7"), {}), 404, "NotFound");
    MUST(s.cluster.evict(s.ref(kPods, "db-0"), {uid_of(before), ""}, DryRun::kServer));
    s.never(kPods, "db-0", "being deleted", kube::deleting, milliseconds(300));
    MUST(s.cluster.evict(s.ref(kPods, "db-0"), {uid_of(before), ""}));
    s.until(kPods, "db-0", "another", [&](const Json& one) { return uid_of(one) != uid_of(before) && ready(one); });
}

CONTRACT("evictions", "a budget holds up an eviction until it is less") {
    s.make(stateful_set(s, "db", 2, false));
    all_ready(s, 2);
    s.make(budget(s, 2));
    const kube::ObjectRef pod = s.ref(kPods, "db-1");
    const std::string uid = uid_of(s.get(kPods, "db-1"));
    FAILS(s.cluster.evict(pod, {uid, ""}), 429, "TooManyRequests");
    s.never(kPods, "db-1", "being deleted", kube::deleting, milliseconds(300));
    s.merge(kube::kPodDisruptionBudgets, "db", {{"spec", {{"minAvailable", 1}}}});
    s.until_answered("the controller has counted anew", [&] {
        return s.cluster.evict(pod, {uid, ""}, DryRun::kServer).ok();
    });
    MUST(s.cluster.evict(pod, {uid, ""}));
    s.until(kPods, "db-1", "another", [&](const Json& one) { return uid_of(one) != uid && ready(one); });
}

}  // namespace holdfast::contract
