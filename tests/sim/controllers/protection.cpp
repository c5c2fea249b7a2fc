// pvc-protection and pv-protection (kubernetes pkg/controller/volume/pvcprotection, pvprotection), and the garbage
// collector (pkg/controller/garbagecollector) with the three propagation policies, and the end of namespaces
// (pkg/controller/namespace).
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

#include <set>

namespace holdfast::sim {
namespace {

bool owner_is(const Json& object, const std::string& uid) {
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr) return false;
    for (const Json& owner : *owners) {
        if (kube::text_at(owner, "/uid") == uid) return true;
    }
    return false;
}

// attemptToOrphanWorker: garbagecollector.go:749; orphanDependents: 683.
void orphan(Sim& sim, const Json& object) {
    const std::string uid = kube::uid_of(object);
    for (const ObjectPtr& one : sim.store.everything()) {
        if (!owner_is(*one, uid)) continue;
        sim.edit(ref_of(*one), [&](Json& dependent) {
            Json& owners = dependent["metadata"]["ownerReferences"];
            Json kept = Json::array();
            for (const Json& owner : owners) {
                if (kube::text_at(owner, "/uid") != uid) kept.push_back(owner);
            }
            if (kept.empty())
                dependent["metadata"].erase("ownerReferences");
            else
                owners = kept;
        });
    }
    sim.edit(ref_of(object), [](Json& one) { drop_finalizer(one, "orphan"); });
}

// processDeletingDependentsItem: garbagecollector.go:664.
void foreground(Sim& sim, const Json& object) {
    bool left = false;
    for (const ObjectPtr& one : sim.store.everything()) {
        if (!owner_is(*one, kube::uid_of(object))) continue;
        left = true;
        sim.begin_deletion(ref_of(*one), milliseconds(30000));
    }
    if (!left) sim.edit(ref_of(object), [](Json& one) { drop_finalizer(one, "foregroundDeletion"); });
}

// attemptToDeleteItem: garbagecollector.go:503; isDangling: 383.
void collect(Sim& sim, const Json& object, const std::set<std::string>& uids) {
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || owners->empty()) return;
    for (const Json& owner : *owners) {
        if (uids.contains(kube::text_at(owner, "/uid"))) return;
    }
    sim.begin_deletion(ref_of(object), milliseconds(30000));
}

}  // namespace

// processPVC: pvc_protection_controller.go:246, isBeingUsed 373; processPV: pv_protection_controller.go:129.
void run_protection(Sim& sim) {
    for (const ObjectPtr& claim : sim.store.list(kube::kClaims, "")) {
        if (!kube::deleting(*claim) || claim_is_used(sim, kube::space_of(*claim), kube::name_of(*claim))) continue;
        sim.edit(ref_of(*claim), [](Json& one) { drop_finalizer(one, "kubernetes.io/pvc-protection"); });
    }
    for (const ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        if (!kube::deleting(*volume) || kube::text_at(*volume, "/status/phase") == "Bound") continue;
        sim.edit(ref_of(*volume), [](Json& one) { drop_finalizer(one, "kubernetes.io/pv-protection"); });
    }
}

void run_garbage(Sim& sim) {
    std::set<std::string> uids;
    const auto all = sim.store.everything();
    for (const ObjectPtr& object : all) uids.insert(kube::uid_of(*object));
    for (const ObjectPtr& object : all) {
        if (kube::deleting(*object) && has_finalizer(*object, "orphan")) orphan(sim, *object);
        if (kube::deleting(*object) && has_finalizer(*object, "foregroundDeletion")) foreground(sim, *object);
        collect(sim, *object, uids);
    }
}

// Delete: deletion/namespaced_resources_deleter.go:98; deleteAllContent: 503.
void run_namespaces(Sim& sim) {
    for (const ObjectPtr& space : sim.store.list(kube::kNamespaces, "")) {
        if (!kube::deleting(*space)) continue;
        const std::string name = kube::name_of(*space);
        bool left = false;
        for (const ObjectPtr& object : sim.store.everything()) {
            if (kube::space_of(*object) != name) continue;
            left = true;
            sim.begin_deletion(ref_of(*object), milliseconds(30000));
        }
        if (left)
            sim.edit(ref_of(*space), [](Json& one) { one["status"]["phase"] = "Terminating"; });
        else
            sim.edit(ref_of(*space), [](Json& one) { drop_finalizer(one, "kubernetes"); });
    }
}

}  // namespace holdfast::sim
