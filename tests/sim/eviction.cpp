// The eviction of a pod: what PodDisruptionBudgets allow, counted anew at each request where the disruption controller
// keeps a count.
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/api.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>
#include <map>

namespace holdfast::sim {
namespace {

// An int, or a percentage of the expected number, rounded up (intstr.GetScaledValueFromIntOrPercent).
long long scaled(const Json& value, long long whole) {
    if (value.is_number_integer()) return value.get<long long>();
    return (std::stoll(value.get<std::string>()) * whole + 99) / 100;
}

std::vector<ObjectPtr> pods_under(const Sim& sim, const Json& budget) {
    std::vector<ObjectPtr> pods;
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, kube::space_of(budget))) {
        if (kube::selected_by(budget, *pod)) pods.push_back(pod);
    }
    return pods;
}

// getExpectedPodCount: pkg/controller/disruption/disruption.go:813.
long long expected_pods(const Sim& sim, const std::vector<ObjectPtr>& pods) {
    std::map<std::string, long long> scales;
    for (const ObjectPtr& pod : pods) {
        const Json* owners = kube::find_at(*pod, "/metadata/ownerReferences");
        for (const Json& owner : owners == nullptr ? Json::array() : *owners) {
            const auto* resource = kube::find_kind("apps", kube::text_at(owner, "/kind"));
            if (resource == nullptr) continue;
            const ObjectPtr found = sim.store.find(*resource, kube::space_of(*pod), kube::text_at(owner, "/name"));
            if (found) scales[kube::text_at(owner, "/uid")] = kube::number_at(*found, "/spec/replicas", 1);
        }
    }
    long long all = 0;
    for (const auto& [uid, scale] : scales) all += scale;
    return all;
}

// getPodDisruptionAllowed of one budget: updatePdbStatus: pkg/controller/disruption/disruption.go:996;
// checkAndDecrement: pkg/registry/core/pod/storage/eviction.go:424.
bool allows(const Sim& sim, const Json& budget, const Json& pod) {
    const auto pods = pods_under(sim, budget);
    const long long healthy =
        std::count_if(pods.begin(), pods.end(), [](const ObjectPtr& one) { return !one.deleting() && is_ready(*one); });
    const long long expected = expected_pods(sim, pods);
    const Json* least = kube::find_at(budget, "/spec/minAvailable");
    const Json* most = kube::find_at(budget, "/spec/maxUnavailable");
    const long long desired = least != nullptr  ? scaled(*least, expected)
                              : most != nullptr ? std::max(0LL, expected - scaled(*most, expected))
                                                : expected - 1;
    // One that serves nobody may go while the others are enough (unhealthyPodEvictionPolicy IfHealthyBudget).
    if (!is_ready(pod)) return healthy >= desired && desired > 0;
    return healthy > desired;
}

}  // namespace

// EvictionREST.Create: pkg/registry/core/pod/storage/eviction.go:129; canIgnorePDB: 391.
Status api_evict(Sim& sim, const kube::ObjectRef& pod, const kube::Preconditions& preconditions, kube::DryRun dry_run) {
    const ObjectPtr found = sim.store.find(pod);
    if (!found) return not_found(pod);
    const std::string phase = kube::text_at(*found, "/status/phase");
    const bool counts = phase == "Running" && !found.deleting();
    std::vector<ObjectPtr> budgets;
    for (const ObjectPtr& one : sim.store.list(kube::kPodDisruptionBudgets, pod.space)) {
        if (counts && kube::selected_by(*one, *found)) budgets.push_back(one);
    }
    if (budgets.size() > 1)
        return api_error(ErrorKind::kUnavailable, 500, "InternalError",
                         "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
                         "support.");
    if (budgets.size() == 1 && !allows(sim, *budgets.front(), *found))
        return api_error(ErrorKind::kUnavailable, 429, "TooManyRequests",
                         "Cannot evict pod as it would violate the pod's disruption budget.");
    return api_remove(sim, pod, preconditions, kube::Propagation::kBackground, dry_run);
}

}  // namespace holdfast::sim
