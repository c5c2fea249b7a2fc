#include "tests/sim/controllers/controllers.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"

#include <algorithm>

namespace holdfast::sim {

void run_controller(Sim& sim, Controller who) {
    switch (who) {
        case Controller::kBinder:
            return run_binder(sim);
        case Controller::kProvisioner:
            return run_provisioner(sim);
        case Controller::kProtection:
            return run_protection(sim);
        case Controller::kSnapshots:
            return run_snapshots(sim);
        case Controller::kStatefulSets:
            return run_stateful_sets(sim);
        case Controller::kDeployments:
            return run_deployments(sim);
        case Controller::kPods:
            return run_pods(sim);
        case Controller::kGarbage:
            return run_garbage(sim);
        case Controller::kNamespaces:
            return run_namespaces(sim);
        case Controller::kQuota:
            return run_quota(sim);
        case Controller::kCount:
            return;
    }
}

bool claim_is_kept(const Sim& sim, const std::string& space, const std::string& claim, bool by_ended_too) {
    const auto pods = sim.store.list(kube::kPods, space);
    return std::any_of(pods.begin(), pods.end(), [&](const ObjectPtr& pod) {
        if (kube::text_at(*pod, "/spec/nodeName").empty() || (has_ended(*pod) && !by_ended_too)) return false;
        for (const auto& [volume, name] : kube::claims_of_pod_spec((*pod)["spec"])) {
            if (name == claim) return true;
        }
        return false;
    });
}

bool is_served(const Sim& sim, const std::string& driver) {
    return sim.store.find({kube::kCsiDrivers, "", driver}) != nullptr;
}

kube::ObjectRef ref_of(const Json& object) { return plan::ref_of_manifest(object); }

}  // namespace holdfast::sim
