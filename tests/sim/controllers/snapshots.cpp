// snapshot-controller and csi-snapshotter. Modelled after kubernetes-csi/external-snapshotter
// pkg/common-controller/snapshot_controller.go and pkg/sidecar-controller/snapshot_controller.go.
#include "common/kube/objects/claim.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

#include <set>

namespace holdfast::sim {
namespace {

constexpr char kIsSource[] = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
constexpr char kSnapshotBound[] = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
constexpr char kContentBound[] = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
constexpr char kClaimIsSource[] = "snapshot.storage.kubernetes.io/pvc-as-source-protection";
constexpr char kBeingCreated[] = "snapshot.storage.kubernetes.io/volumesnapshot-being-created";
constexpr char kBeingDeleted[] = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted";

kube::ObjectRef content_ref(const std::string& name) { return {kube::kSnapshotContents, "", name}; }

long long nanoseconds(SystemTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

Json reference_to(const kube::Snapshot& snapshot) {
    return {{"apiVersion", "snapshot.storage.k8s.io/v1"},
            {"kind", "VolumeSnapshot"},
            {"namespace", snapshot.space},
            {"name", snapshot.name},
            {"uid", snapshot.uid}};
}

// createSnapshotContent: common-controller/snapshot_controller.go:722.
void make_content(Sim& sim, const kube::Snapshot& snapshot, const Json& volume, const kube::SnapshotClass& one_class) {
    sim.put({{"apiVersion", "snapshot.storage.k8s.io/v1"},
             {"kind", "VolumeSnapshotContent"},
             {"metadata",
              {{"name", "snapcontent-" + snapshot.uid},
               {"uid", sim.new_uid()},
               {"creationTimestamp", format_time(sim.now())}}},
             {"spec",
              {{"deletionPolicy", one_class.deletion_policy},
               {"driver", one_class.driver},
               {"source", {{"volumeHandle", kube::text_at(volume, "/spec/csi/volumeHandle")}}},
               {"sourceVolumeMode", "Filesystem"},
               {"volumeSnapshotClassName", one_class.name},
               {"volumeSnapshotRef", reference_to(snapshot)}}}});
}

// updateSnapshotErrorStatusWithEvent: common-controller/snapshot_controller.go:876.
void set_error(Sim& sim, const Json& object, const std::string& text) {
    sim.edit(ref_of(object), [&](Json& one) {
        one["status"]["error"] = {{"message", text}};
        one["status"]["readyToUse"] = false;
    });
}

// The class that is named, or the only default one of the volume's driver, which is then named.
// SetDefaultSnapshotClass: common-controller/snapshot_controller.go:1466.
ObjectPtr class_for(Sim& sim, const Json& object, const kube::Snapshot& snapshot, const std::string& driver) {
    if (!snapshot.snapshot_class.empty()) return sim.store.find(kube::kSnapshotClasses, "", snapshot.snapshot_class);
    ObjectPtr only;
    for (const ObjectPtr& one : sim.store.list(kube::kSnapshotClasses, "")) {
        const kube::SnapshotClass found = kube::snapshot_class_of(*one);
        if (!found.is_default || found.driver != driver) continue;
        if (only) return nullptr;
        only = one;
    }
    if (only)
        sim.edit(ref_of(object), [&](Json& one) { one["spec"]["volumeSnapshotClassName"] = kube::name_of(*only); });
    return only;
}

// updateSnapshotStatus: common-controller/snapshot_controller.go:1212.
void bind_snapshot(Sim& sim, const Json& object, const std::string& content) {
    sim.edit(ref_of(object), [&](Json& one) {
        one["status"]["boundVolumeSnapshotContentName"] = content;
        one["status"]["readyToUse"] = false;
    });
}

// A snapshot of a claim: protects the claim until it is ready, and makes the content.
// createSnapshotContent: common-controller/snapshot_controller.go:722; ensurePVCFinalizer: 974.
void take(Sim& sim, const Json& object, const kube::Snapshot& snapshot) {
    const kube::ObjectRef claim_ref{kube::kClaims, snapshot.space, snapshot.claim};
    const ObjectPtr claim = sim.store.find(claim_ref);
    if (!claim) return set_error(sim, object, "snapshot source claim " + snapshot.claim + " not found");
    const ObjectPtr volume = sim.store.find(kube::kVolumes, "", claim.claim().volume);
    if (!volume || claim.deleting())
        return set_error(
            sim, object,
            "the PVC " + snapshot.claim + " is not yet bound to a PV, will not attempt to take a snapshot");
    const ObjectPtr found = class_for(sim, object, snapshot, kube::text_at(*volume, "/spec/csi/driver"));
    if (!found) return set_error(sim, object, "no class " + snapshot.snapshot_class);
    sim.edit(claim_ref, [](Json& one) { add_finalizer(one, kClaimIsSource); });
    if (!sim.store.find(content_ref("snapcontent-" + snapshot.uid)))
        make_content(sim, snapshot, *volume, kube::snapshot_class_of(*found));
    bind_snapshot(sim, object, "snapcontent-" + snapshot.uid);
}

// A snapshot of a content that was there before it.
// checkandBindSnapshotContent: common-controller/snapshot_controller.go:1106.
void adopt(Sim& sim, const Json& object, const kube::Snapshot& snapshot) {
    const ObjectPtr content = sim.store.find(content_ref(snapshot.source_content));
    if (!content) return set_error(sim, object, "no content " + snapshot.source_content);
    const kube::SnapshotContent& is = content.content();
    if (is.snapshot_name != snapshot.name || is.snapshot_space != snapshot.space ||
        (!is.snapshot_uid.empty() && is.snapshot_uid != snapshot.uid))
        return set_error(sim, object, "the content is of another snapshot");
    sim.edit(content.ref(), [&](Json& one) { one["spec"]["volumeSnapshotRef"]["uid"] = snapshot.uid; });
    bind_snapshot(sim, object, snapshot.source_content);
}

// updateSnapshotStatus: common-controller/snapshot_controller.go:1212.
void follow_content(Sim& sim, const Json& object, const ObjectPtr& content) {
    const kube::SnapshotContent& is = content.content();
    const std::string error = kube::text_at(*content, "/status/error/message");
    if (is.handle.empty() && !error.empty())
        return set_error(sim, object, "Failed to check and update snapshot content: " + error);
    if (is.handle.empty()) return;
    const long long cut = kube::number_at(*content, "/status/creationTime", 0);
    sim.edit(ref_of(object), "status", [&](Json& status) {
        status.erase("error");
        status["creationTime"] = format_time(SystemTime(std::chrono::microseconds(cut / 1000)));
        status["readyToUse"] = is.ready;
        if (is.restore_size) status["restoreSize"] = Quantity::from_bytes(*is.restore_size).text();
    });
}

// isVolumeBeingCreatedFromSnapshot: common-controller/snapshot_controller.go:951.
bool claim_waits_for(const Sim& sim, const kube::Snapshot& snapshot) {
    for (const ObjectPtr& object : sim.store.list(kube::kClaims, snapshot.space)) {
        const kube::Claim& claim = object.claim();
        if (claim.source_name == snapshot.name && claim.phase == "Pending") return true;
    }
    return false;
}

// A content under Delete goes first, and holds its snapshot until it has gone.
// processSnapshotWithDeletionTimestamp: common-controller/snapshot_controller.go:223;
// checkandRemoveSnapshotFinalizersAndCheckandDeleteContent: 278.
void end(Sim& sim, const Json& object, const kube::Snapshot& snapshot) {
    if (claim_waits_for(sim, snapshot)) return;
    const ObjectPtr content = snapshot.content.empty() ? nullptr : sim.store.find(content_ref(snapshot.content));
    const bool ours = content && content.content().snapshot_uid == snapshot.uid;
    const bool takes_content = ours && content.content().deletion_policy == "Delete";
    if (ours) sim.edit(content.ref(), [](Json& one) { one["metadata"]["annotations"][kBeingDeleted] = "yes"; });
    if (takes_content) sim.begin_deletion(content.ref());
    sim.edit(ref_of(object), [&](Json& one) {
        drop_finalizer(one, kIsSource);
        if (!takes_content) drop_finalizer(one, kSnapshotBound);
    });
}

// Claims are free again when none of their snapshots is still being made.
// checkandRemovePVCFinalizer: common-controller/snapshot_controller.go:1069.
void free_claims(Sim& sim) {
    std::set<std::pair<std::string, std::string>> busy;
    for (const ObjectPtr& one : sim.store.list(kube::kSnapshots, "")) {
        const kube::Snapshot& snapshot = one.snapshot();
        if (!snapshot.ready) busy.insert({snapshot.space, snapshot.claim});
    }
    for (const ObjectPtr& claim : sim.all_of(kube::kClaims)) {
        if (!has_finalizer(*claim, kClaimIsSource) || busy.contains({kube::space_of(*claim), kube::name_of(*claim)}))
            continue;
        sim.edit(claim.ref(), [](Json& one) { drop_finalizer(one, kClaimIsSource); });
    }
}

// syncSnapshot: common-controller/snapshot_controller.go:176; checkandAddSnapshotFinalizers: 357; syncUnreadySnapshot:
// 469.
void sync_snapshot(Sim& sim, const ObjectPtr& stored) {
    const Json& object = *stored;
    const kube::Snapshot& snapshot = stored.snapshot();
    if (snapshot.deleting) return end(sim, object, snapshot);
    if (!has_finalizer(object, kIsSource))
        return sim.edit(ref_of(object), [](Json& one) { add_finalizer(one, kIsSource); });
    const ObjectPtr content = snapshot.content.empty() ? nullptr : sim.store.find(content_ref(snapshot.content));
    // One under Delete goes with the snapshot, so that is held; a retained one need not be.
    if (content && content.content().deletion_policy == "Delete" && !has_finalizer(object, kSnapshotBound))
        sim.edit(ref_of(object), [](Json& one) { add_finalizer(one, kSnapshotBound); });
    if (content) return follow_content(sim, object, content);
    if (!snapshot.content.empty()) return set_error(sim, object, "VolumeSnapshotContent is missing");
    if (snapshot.claim.empty())
        adopt(sim, object, snapshot);
    else
        take(sim, object, snapshot);
}

// How long until a cut of this class is ready: as the class says ("15s"), else as the storage takes.
milliseconds until_ready(Sim& sim, const Json& snapshot_class) {
    const std::string delay = kube::text_at(snapshot_class, "/parameters/delay");
    const auto parsed = parse_duration(delay.empty() ? "0s" : delay, "delay");
    return delay.empty() || !parsed.ok() ? sim.around(sim.delays.ready) : *parsed;
}

// Whether every running pod that mounts the volume has its writes held back by a command.
bool is_held(const Sim& sim, const std::string& volume_handle) {
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, "")) {
        const std::string space = kube::space_of(*pod);
        if (kube::text_at(*pod, "/status/phase") != "Running" ||
            sim.held_back.contains(space + "/" + kube::name_of(*pod)))
            continue;
        for (const auto& [name, claim] : kube::claims_of_pod_spec((*pod)["spec"])) {
            const ObjectPtr found = sim.store.find(kube::kClaims, space, claim);
            const ObjectPtr volume = found ? sim.store.find(kube::kVolumes, "", found.claim().volume) : nullptr;
            if (volume && kube::text_at(*volume, "/spec/csi/volumeHandle") == volume_handle) return false;
        }
    }
    return true;
}

// The disk as it is now; null: the storage refuses.
const Cut* new_cut(Sim& sim, const kube::SnapshotContent& content, const std::string& handle, const Json& one_class) {
    const auto disk = sim.backend().disks.find(content.volume_handle);
    if (disk == sim.backend().disks.end()) return nullptr;
    const Cut fresh{disk->second.token, disk->second.size, sim.now(), sim.now() + until_ready(sim, one_class),
                    is_held(sim, content.volume_handle)};
    return &sim.backend().cuts.emplace(handle, fresh).first->second;
}

// The sidecar: cuts, then says when it is ready.
// createSnapshotWrapper: sidecar-controller/snapshot_controller.go:338; checkandUpdateContentStatus: 143.
void create_cut(Sim& sim, const Json& object, const kube::SnapshotContent& content) {
    if (!is_served(sim, content.driver)) return;
    const ObjectPtr found = sim.store.find(kube::kSnapshotClasses, "", content.snapshot_class);
    const Json one_class = found ? *found : Json::object();
    if (kube::annotation_of(object, kBeingCreated).empty() && content.handle.empty()) {
        sim.edit(ref_of(object), [](Json& one) { one["metadata"]["annotations"][kBeingCreated] = "yes"; });
        return;
    }
    if (!sim.ripe("cut/" + content.uid, sim.delays.cut, Controller::kContents)) return;
    const std::string handle = content.source_handle.empty() ? "cut-" + content.uid : content.source_handle;
    const std::string refusal = kube::text_at(one_class, "/parameters/fail");
    if (!refusal.empty()) return set_error(sim, object, "failed to take snapshot of the volume: " + refusal);
    const auto known = sim.backend().cuts.find(handle);
    const Cut* cut = known == sim.backend().cuts.end() ? new_cut(sim, content, handle, one_class) : &known->second;
    if (cut == nullptr) return set_error(sim, object, "no volume " + content.volume_handle);
    const bool ready = cut->ready_at <= sim.now();
    if (!ready) sim.wake(Controller::kContents, std::chrono::ceil<milliseconds>(cut->ready_at - sim.now()));
    sim.edit(ref_of(object), [&](Json& one) {
        one["status"] = {{"snapshotHandle", handle},
                         {"creationTime", nanoseconds(cut->at + sim.cut_later)},
                         {"readyToUse", ready},
                         {"restoreSize", cut->size}};
    });
}

// syncContent: common-controller/snapshot_controller.go:89; syncContent: sidecar-controller/snapshot_controller.go:58;
// deleteCSISnapshotOperation: 409.
void sync_content(Sim& sim, const ObjectPtr& stored) {
    const Json& object = *stored;
    const kube::SnapshotContent& content = stored.content();
    if (!content.deleting) {
        // Either of the two, snapshot-controller or the sidecar, may be the first.
        const bool cuts_first = sim.restless && content.handle.empty() && sim.dice.between(0, 1) == 1;
        if (!has_finalizer(object, kContentBound) && !cuts_first)
            return sim.edit(ref_of(object), [](Json& one) { add_finalizer(one, kContentBound); });
        if (!content.ready) return create_cut(sim, object, content);
        if (kube::annotation_of(object, kBeingCreated).empty()) return;
        return sim.edit(ref_of(object), [](Json& one) { one["metadata"]["annotations"].erase(kBeingCreated); });
    }
    const ObjectPtr snapshot = sim.store.find(kube::kSnapshots, content.snapshot_space, content.snapshot_name);
    const bool in_use = snapshot && snapshot.uid() == content.snapshot_uid && !snapshot.deleting();
    if (in_use || !is_served(sim, content.driver)) return;
    if (content.deletion_policy == "Delete") {
        if (!sim.ripe("uncut/" + content.uid, sim.delays.cut, Controller::kContents)) return;
        sim.backend().cuts.erase(content.handle);
        // The sidecar forgets what it knew of the cut before it lets go.
        sim.edit(ref_of(object), [](Json& one) { one["status"] = Json::object(); });
    }
    sim.edit(ref_of(object), [](Json& one) { drop_finalizer(one, kContentBound); });
}

}  // namespace

void run_snapshots(Sim& sim) {
    for (const ObjectPtr& snapshot : sim.all_of(kube::kSnapshots)) {
        const ObjectPtr fresh = sim.store.find(snapshot.ref());
        if (fresh) sync_snapshot(sim, fresh);
    }
    free_claims(sim);
}

void run_contents(Sim& sim) {
    for (const ObjectPtr& content : sim.all_of(kube::kSnapshotContents)) {
        const ObjectPtr fresh = sim.store.find(content.ref());
        if (fresh) sync_content(sim, fresh);
    }
}

}  // namespace holdfast::sim
