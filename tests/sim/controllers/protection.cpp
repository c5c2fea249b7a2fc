// pvc-protection and pv-protection (kubernetes pkg/controller/volume/pvcprotection, pvprotection), and the garbage
// collector (pkg/controller/garbagecollector) with the three propagation policies, and the end of namespaces
// (pkg/controller/namespace).
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

#include <set>

namespace holdfast::sim {
namespace {

// The reference to the owner, or null.
const Json* reference_to(const Json& object, const std::string& uid) {
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr) return nullptr;
    for (const Json& owner : *owners) {
        if (kube::text_at(owner, "/uid") == uid) return &owner;
    }
    return nullptr;
}

// orphanDependents: garbagecollector.go:683; GenerateDeleteOwnerRefStrategicMergeBytes:
// pkg/controller/controller_ref_manager.go:572.
void drop_owners(Sim& sim, const kube::ObjectRef& ref, const std::function<bool(const std::string& uid)>& drop) {
    sim.edit(ref, [&](Json& dependent) {
        Json kept = Json::array();
        for (const Json& owner : dependent["metadata"]["ownerReferences"]) {
            if (!drop(kube::text_at(owner, "/uid"))) kept.push_back(owner);
        }
        if (kept.empty())
            dependent["metadata"].erase("ownerReferences");
        else
            dependent["metadata"]["ownerReferences"] = kept;
    });
}

// attemptToOrphanWorker: garbagecollector.go:749; orphanDependents: 683.
void orphan(Sim& sim, const Json& object) {
    const std::string uid = kube::uid_of(object);
    for (const ObjectPtr& one : sim.in_any_order(sim.store.everything())) {
        if (reference_to(*one, uid) != nullptr)
            drop_owners(sim, one.ref(), [&](const std::string& owner) { return owner == uid; });
    }
    sim.edit(ref_of(object), [](Json& one) { drop_finalizer(one, "orphan"); });
}

// Dependents are deleted; those with blockOwnerDeletion are waited for (processDeletingDependentsItem).
// processDeletingDependentsItem: garbagecollector.go:664.
void foreground(Sim& sim, const Json& object) {
    bool left = false;
    for (const ObjectPtr& one : sim.store.everything()) {
        const Json* reference = reference_to(*one, kube::uid_of(object));
        if (reference == nullptr) continue;
        left = left || kube::bool_at(*reference, "/blockOwnerDeletion", false);
        sim.begin_deletion(one.ref());
    }
    if (!left) sim.edit(ref_of(object), [](Json& one) { drop_finalizer(one, "foregroundDeletion"); });
}

// attemptToDeleteItem: while one owner is there, those that are not are forgotten; without any it goes.
// attemptToDeleteItem: garbagecollector.go:503; isDangling: 383.
void collect(Sim& sim, const Json& object, const std::set<std::string>& uids) {
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || owners->empty()) return;
    const auto absent = [&](const std::string& uid) { return !uids.contains(uid); };
    std::size_t gone = 0;
    for (const Json& owner : *owners) gone += absent(kube::text_at(owner, "/uid")) ? 1 : 0;
    if (gone == owners->size())
        sim.begin_deletion(ref_of(object));
    else if (gone > 0)
        drop_owners(sim, ref_of(object), absent);
}

}  // namespace

// processPVC: pvc_protection_controller.go:246, isBeingUsed 373; processPV: pv_protection_controller.go:129.
void run_protection(Sim& sim) {
    for (const ObjectPtr& claim : sim.all_of(kube::kClaims)) {
        if (!claim.deleting() || claim_is_kept(sim, claim.ref().space, claim.ref().name, true)) continue;
        sim.edit(claim.ref(), [](Json& one) { drop_finalizer(one, "kubernetes.io/pvc-protection"); });
    }
    for (const ObjectPtr& volume : sim.all_of(kube::kVolumes)) {
        if (!volume.deleting() || kube::text_at(*volume, "/status/phase") == "Bound") continue;
        sim.edit(volume.ref(), [](Json& one) { drop_finalizer(one, "kubernetes.io/pv-protection"); });
    }
}

void run_garbage(Sim& sim) {
    std::set<std::string> uids;
    const auto all = sim.store.everything();
    for (const ObjectPtr& object : all) uids.insert(object.uid());
    for (const ObjectPtr& was : all) {
        const ObjectPtr object = sim.store.find(was.ref());
        if (!object) continue;
        if (object.deleting() && has_finalizer(*object, "orphan")) orphan(sim, *object);
        if (object.deleting() && has_finalizer(*object, "foregroundDeletion")) foreground(sim, *object);
        if (object.has_owners()) collect(sim, *object, uids);
    }
}

// Delete: deletion/namespaced_resources_deleter.go:98; deleteAllContent: 503.
void run_namespaces(Sim& sim) {
    for (const ObjectPtr& space : sim.all_of(kube::kNamespaces)) {
        if (!space.deleting()) continue;
        const std::string name = kube::name_of(*space);
        bool left = false;
        for (const ObjectPtr& object : sim.store.everything()) {
            if (kube::space_of(*object) != name) continue;
            left = true;
            sim.begin_deletion(object.ref());
        }
        if (left)
            sim.edit(space.ref(), [](Json& one) { one["status"]["phase"] = "Terminating"; });
        else
            sim.edit(space.ref(), [](Json& one) { drop_finalizer(one, "kubernetes"); });
    }
}

}  // namespace holdfast::sim
