// external-provisioner: makes volumes for claims that wait for one, empty or from a snapshot, and takes away those that
// are released under policy Delete. Modelled after kubernetes-csi/external-provisioner pkg/controller/controller.go and
// sig-storage-lib-external-provisioner controller/controller.go.
#include "common/kube/objects/claim.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

namespace holdfast::sim {
namespace {

constexpr char kSelectedNode[] = "volume.kubernetes.io/selected-node";
constexpr char kStorageProvisioner[] = "volume.kubernetes.io/storage-provisioner";
constexpr char kFinalizer[] = "external-provisioner.volume.kubernetes.io/finalizer";
constexpr char kCopiesSnapshot[] = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection";

// A copy of another claim's disk (getPVCSource).
std::optional<Disk> copy_of_claim(const Sim& sim, const kube::Claim& claim, const std::string& driver, long long size) {
    const ObjectPtr object = sim.store.find(kube::kClaims, claim.space, claim.source_name);
    if (!object || object.deleting() || kube::text_at(*object, "/status/phase") != "Bound") return std::nullopt;
    const ObjectPtr volume = sim.store.find(kube::kVolumes, "", object.claim().volume);
    if (!volume || kube::text_at(*volume, "/spec/csi/driver") != driver) return std::nullopt;
    const auto disk = sim.backend().disks.find(kube::text_at(*volume, "/spec/csi/volumeHandle"));
    if (disk == sim.backend().disks.end() || disk->second.size > size) return std::nullopt;
    return Disk{disk->second.token, size};
}

// What the new disk begins with; nullopt: the source is not there yet, or never will be (getSnapshotSource).
// getSnapshotSource: external-provisioner pkg/controller/controller.go:1289.
std::optional<Disk> content_for(const Sim& sim, const kube::Claim& claim, const std::string& driver) {
    const long long size = claim.requested ? claim.requested->bytes() : 0;
    if (claim.source_kind.empty()) return Disk{{}, size};
    if (claim.source_kind == "PersistentVolumeClaim") return copy_of_claim(sim, claim, driver, size);
    if (claim.source_kind != "VolumeSnapshot") return std::nullopt;  // a populator's
    const ObjectPtr object = sim.store.find(kube::kSnapshots, claim.space, claim.source_name);
    if (!object) return std::nullopt;
    const kube::Snapshot snapshot = kube::snapshot_of(*object);
    if (!snapshot.ready || snapshot.deleting) return std::nullopt;
    const ObjectPtr content = sim.store.find(kube::kSnapshotContents, "", snapshot.content);
    if (!content || !kube::bound_both_ways(snapshot, kube::content_of(*content))) return std::nullopt;
    if (kube::content_of(*content).driver != driver) return std::nullopt;
    const auto cut = sim.backend().cuts.find(kube::content_of(*content).handle);
    if (cut == sim.backend().cuts.end() || cut->second.size > size) return std::nullopt;
    return Disk{cut->second.token, size};
}

Json volume_manifest(Sim& sim, const Json& object, const kube::Claim& claim, const kube::StorageClass& storage_class) {
    const std::string name = "pvc-" + claim.uid;
    Json volume = {{"apiVersion", "v1"},
                   {"kind", "PersistentVolume"},
                   {"metadata",
                    {{"name", name},
                     {"uid", sim.new_uid()},
                     {"creationTimestamp", format_time(sim.now())},
                     {"annotations", {{"pv.kubernetes.io/provisioned-by", storage_class.provisioner}}},
                     {"finalizers", Json::array({kFinalizer, "kubernetes.io/pv-protection"})}}},
                   {"spec",
                    {{"capacity", object["spec"]["resources"]["requests"]},
                     {"csi", {{"driver", storage_class.provisioner}, {"volumeHandle", "disk-" + claim.uid}}},
                     {"accessModes", object["spec"]["accessModes"]},
                     {"claimRef",
                      {{"kind", "PersistentVolumeClaim"},
                       {"namespace", claim.space},
                       {"name", claim.name},
                       {"uid", claim.uid},
                       {"apiVersion", "v1"}}},
                     {"persistentVolumeReclaimPolicy", storage_class.reclaim_policy},
                     {"storageClassName", storage_class.name},
                     {"volumeMode", claim.volume_mode}}},
                   {"status", {{"phase", "Pending"}}}};
    return volume;
}

bool reserved(const Sim& sim, const kube::Claim& claim) {
    for (const ObjectPtr& object : sim.store.list(kube::kVolumes, "")) {
        const kube::Volume& volume = object.volume();
        if (volume.claim_uid == claim.uid) return true;
    }
    return false;
}

// While a volume is made of a snapshot, the snapshot stays.
// setSnapshotFinalizer: external-provisioner pkg/controller/controller.go:1070.
void hold_snapshot(Sim& sim, const kube::Claim& claim) {
    if (claim.source_kind != "VolumeSnapshot") return;
    sim.edit({kube::kSnapshots, claim.space, claim.source_name}, [](Json& one) {
        if (!kube::deleting(one)) add_finalizer(one, kCopiesSnapshot);
    });
}

// What no claim that waits is made of is let go, should a provisioner have forgotten it.
// sweepOrphanedFinalizers: external-provisioner pkg/controller/snapshot_finalizer_controller.go:123.
void let_go(Sim& sim, const Json& snapshot) {
    if (!has_finalizer(snapshot, kCopiesSnapshot)) return;
    for (const ObjectPtr& object : sim.store.list(kube::kClaims, kube::space_of(snapshot))) {
        const kube::Claim& claim = object.claim();
        const bool waits = claim.source_name == kube::name_of(snapshot) && claim.phase == "Pending" && !claim.deleting;
        if (waits && !reserved(sim, claim)) return;
    }
    sim.edit(ref_of(snapshot), [](Json& one) { drop_finalizer(one, kCopiesSnapshot); });
}

// The snapshot is let go when the storage has made the disk, before there is a volume.
// shouldProvision: sig-storage-lib controller/controller.go:1241; Provision: external-provisioner controller.go:838;
// removeSnapshotFinalizer: 1097.
void provision(Sim& sim, const ObjectPtr& object) {
    const kube::Claim& claim = object.claim();
    if (!claim.volume.empty() || claim.deleting || claim.phase == "Bound" || reserved(sim, claim)) return;
    const ObjectPtr found = sim.store.find(kube::kStorageClasses, "", claim.storage_class);
    if (!found) return;
    const kube::StorageClass storage_class = kube::storage_class_of(*found);
    if (storage_class.waits_for_pod() && kube::annotation_of(*object, kSelectedNode).empty()) return;
    if (kube::annotation_of(*object, kStorageProvisioner).empty()) {
        sim.edit(object.ref(),
                 [&](Json& one) { one["metadata"]["annotations"][kStorageProvisioner] = storage_class.provisioner; });
        return;
    }
    if (!is_served(sim, storage_class.provisioner) || !kube::text_at(*found, "/parameters/fail").empty()) return;
    hold_snapshot(sim, claim);
    if (!sim.ripe("provision/" + claim.uid, sim.delays.provision, Controller::kProvisioner)) return;
    const auto disk = content_for(sim, claim, storage_class.provisioner);
    if (!disk) return;
    sim.backend().disks["disk-" + claim.uid] = *disk;
    if (claim.source_kind == "VolumeSnapshot")
        sim.edit({kube::kSnapshots, claim.space, claim.source_name},
                 [](Json& one) { drop_finalizer(one, kCopiesSnapshot); });
    sim.put(volume_manifest(sim, *object, claim, storage_class));
}

// shouldDelete: sig-storage-lib controller/controller.go:1284; deleteVolumeOperation: 1621.
void reclaim(Sim& sim, const ObjectPtr& object) {
    const kube::Volume& volume = object.volume();
    if (volume.reclaim_policy != "Delete" || volume.phase != "Released") return;
    if (kube::annotation_of(*object, "pv.kubernetes.io/provisioned-by").empty()) return;
    if (!sim.ripe("reclaim/" + volume.uid, sim.delays.provision, Controller::kProvisioner)) return;
    sim.backend().disks.erase(kube::text_at(*object, "/spec/csi/volumeHandle"));
    sim.begin_deletion(object.ref());
    sim.edit(object.ref(), [](Json& one) { drop_finalizer(one, kFinalizer); });
}

// Its finalizer follows the reclaim policy (feature HonorPVReclaimPolicy).
// syncVolume: sig-storage-lib controller/controller.go:1148; handleProtectionFinalizer: 1202.
void follow_policy(Sim& sim, const ObjectPtr& object, const kube::Volume& volume) {
    if (kube::annotation_of(*object, "pv.kubernetes.io/provisioned-by").empty() || volume.deleting) return;
    if (has_finalizer(*object, kFinalizer) == (volume.reclaim_policy == "Delete")) return;
    sim.edit(object.ref(), [&](Json& one) {
        if (volume.reclaim_policy != "Delete")
            drop_finalizer(one, kFinalizer);
        else if (volume.phase == "Bound")
            add_finalizer(one, kFinalizer);
    });
}

}  // namespace

void run_provisioner(Sim& sim) {
    for (const ObjectPtr& claim : sim.all_of(kube::kClaims)) {
        const ObjectPtr fresh = sim.store.find(claim.ref());
        if (fresh) provision(sim, fresh);
    }
    for (const ObjectPtr& volume : sim.all_of(kube::kVolumes)) {
        const ObjectPtr fresh = sim.store.find(volume.ref());
        if (!fresh) continue;
        follow_policy(sim, fresh, fresh.volume());
        reclaim(sim, fresh);
    }
    for (const ObjectPtr& snapshot : sim.all_of(kube::kSnapshots)) let_go(sim, *snapshot);
}

}  // namespace holdfast::sim
