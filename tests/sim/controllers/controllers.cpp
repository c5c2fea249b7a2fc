#include "tests/sim/controllers/controllers.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"

#include <algorithm>

namespace holdfast::sim {

void run_controller(Sim& sim, Controller who) {
    switch (who) {
        case Controller::kBinder:
            return run_binder(sim);
        case Controller::kResizer:
            return run_resizer(sim);
        case Controller::kProvisioner:
            return run_provisioner(sim);
        case Controller::kProtection:
            return run_protection(sim);
        case Controller::kSnapshots:
            return run_snapshots(sim);
        case Controller::kContents:
            return run_contents(sim);
        case Controller::kStatefulSets:
            return run_stateful_sets(sim);
        case Controller::kDeployments:
            return run_deployments(sim);
        case Controller::kReplicaSets:
            return run_replica_sets(sim);
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

namespace {

bool one_of(const kube::Resource& resource, std::initializer_list<const kube::Resource*> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](const kube::Resource* kind) { return *kind == resource; });
}

// The collector's graph changes when an object has owners, is going or is gone.
bool changes_graph(const Change& change) {
    return change.type == kube::WatchEvent::Type::kDeleted || change.object.deleting() || change.object.has_owners();
}

bool in_ending_space(const Sim& sim, const Change& change) {
    if (change.ref.resource == kube::kNamespaces) return true;
    const ObjectPtr space = sim.store.find(kube::kNamespaces, "", change.ref.space);
    return space && space.deleting();
}

}  // namespace

bool cares(const Sim& sim, Controller who, const Change& change) {
    const kube::Resource& kind = change.ref.resource;
    switch (who) {
        case Controller::kBinder:
            return one_of(kind, {&kube::kClaims, &kube::kVolumes, &kube::kStorageClasses});
        case Controller::kResizer:
            // It tries again and again; a volume that nobody has any more is where that can end otherwise.
            return one_of(kind, {&kube::kClaims, &kube::kVolumes, &kube::kPods, &kube::kCsiDrivers}) ||
                   (kind == kube::kVolumeAttachments && change.type == kube::WatchEvent::Type::kDeleted);
        case Controller::kProvisioner:
            return one_of(kind, {&kube::kClaims, &kube::kVolumes, &kube::kSnapshots, &kube::kSnapshotContents,
                                 &kube::kStorageClasses, &kube::kCsiDrivers});
        case Controller::kProtection:
            return one_of(kind, {&kube::kClaims, &kube::kVolumes, &kube::kPods});
        case Controller::kSnapshots:
        case Controller::kContents:
            return one_of(kind, {&kube::kSnapshots, &kube::kSnapshotContents, &kube::kClaims, &kube::kVolumes,
                                 &kube::kSnapshotClasses, &kube::kCsiDrivers});
        case Controller::kStatefulSets:
            return one_of(kind, {&kube::kStatefulSets, &kube::kPods, &kube::kClaims, &kube::kResourceQuotas});
        case Controller::kDeployments:
        case Controller::kReplicaSets:
            return one_of(kind, {&kube::kDeployments, &kube::kReplicaSets, &kube::kPods});
        case Controller::kPods:
            return one_of(kind, {&kube::kPods, &kube::kClaims, &kube::kVolumes, &kube::kVolumeAttachments,
                                 &kube::kStorageClasses, &kube::kNodes});
        case Controller::kGarbage:
            return changes_graph(change);
        case Controller::kNamespaces:
            return in_ending_space(sim, change);
        case Controller::kQuota:
            return kind == kube::kResourceQuotas || !sim.store.list(kube::kResourceQuotas, change.ref.space).empty();
        case Controller::kCount:
            break;
    }
    return true;
}

bool claim_is_kept(const Sim& sim, const std::string& space, const std::string& claim, bool by_ended_too) {
    const auto pods = sim.store.list(kube::kPods, space);
    return std::any_of(pods.begin(), pods.end(), [&](const ObjectPtr& pod) {
        const Pod& is = pod.pod();
        if (!is.placed || (is.ended && !by_ended_too)) return false;
        return std::find(is.claims.begin(), is.claims.end(), claim) != is.claims.end();
    });
}

bool is_served(const Sim& sim, const std::string& driver) {
    return sim.store.find(kube::kCsiDrivers, "", driver) != nullptr;
}

kube::ObjectRef ref_of(const Json& object) { return plan::ref_of_manifest(object); }

}  // namespace holdfast::sim
