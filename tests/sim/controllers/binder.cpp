// Claims and volumes find each other. Modelled after kubernetes pkg/controller/volume/persistentvolume/pv_controller.go
// (syncClaim, syncVolume, bind) and pkg/controller/volume/persistentvolume/index.go (findByClaim, FindMatchingVolume).
#include "common/kube/objects/claim.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

constexpr char kBindCompleted[] = "pv.kubernetes.io/bind-completed";
constexpr char kBoundByController[] = "pv.kubernetes.io/bound-by-controller";
constexpr milliseconds kResync{15000};

kube::ObjectRef volume_ref(const std::string& name) { return {kube::kVolumes, "", name}; }

// updateVolumePhase: pkg/controller/volume/persistentvolume/pv_controller.go:913.
void set_phase(Sim& sim, const ObjectPtr& volume, const std::string& phase) {
    if (volume.volume().phase == phase) return;
    sim.edit(volume.ref(), [&](Json& object) { object["status"]["phase"] = phase; });
}

// IsVolumeBoundToClaim: component-helpers storage/volume/pv_helpers.go:159.
bool names_claim(const kube::Volume& volume, const kube::Claim& claim) {
    return volume.claim_space == claim.space && volume.claim_name == claim.name &&
           (volume.claim_uid.empty() || volume.claim_uid == claim.uid);
}

// The conditions under which a volume that names the claim is taken (safety R9); class and selector are not among them.
// FindMatchingVolume: component-helpers storage/volume/pv_helpers.go:186; CheckVolumeModeMismatches: 331;
// CheckAccessModes: 346.
bool fits(const Json& object, const kube::Volume& volume, const Json& claim_object, const kube::Claim& claim) {
    const bool covers = std::all_of(claim.access_modes.begin(), claim.access_modes.end(), [&](const std::string& mode) {
        return std::find(volume.access_modes.begin(), volume.access_modes.end(), mode) != volume.access_modes.end();
    });
    const long long wanted = claim.requested ? claim.requested->bytes() : 0;
    return covers && volume.capacity_bytes >= wanted && volume.volume_mode == claim.volume_mode && !volume.deleting &&
           kube::text_at(object, "/spec/volumeAttributesClassName") ==
               kube::text_at(claim_object, "/spec/volumeAttributesClassName");
}

bool waits_for_pod(const Sim& sim, const kube::Claim& claim) {
    const ObjectPtr found = sim.store.find(kube::kStorageClasses, "", claim.storage_class);
    return found && kube::storage_class_of(*found).waits_for_pod();
}

bool selects(const Json& claim, const Json& volume) {
    const Json* labels = kube::find_at(claim, "/spec/selector/matchLabels");
    if (labels == nullptr) return true;
    for (const auto& [key, value] : labels->items()) {
        if (kube::label_of(volume, key) != value.get<std::string>()) return false;
    }
    return true;
}

// A volume that names the claim, else any free one of its class and selector, the smallest first; for a claim that
// waits for its pod the scheduler would choose (FindMatchingVolume).
// findBestMatchForClaim: index.go:110; FindMatchingVolume: component-helpers storage/volume/pv_helpers.go:186.
ObjectPtr match(const Sim& sim, const Json& claim_object, const kube::Claim& claim) {
    ObjectPtr best;
    long long best_size = 0;
    const bool waits = waits_for_pod(sim, claim);
    for (const ObjectPtr& object : sim.store.list(kube::kVolumes, "")) {
        const kube::Volume& volume = object.volume();
        if (!fits(*object, volume, claim_object, claim)) continue;
        // The binder works on what it has seen: a reservation that it has not looked at yet has no phase (safety R9).
        if (volume.claim_uid.empty() && volume.phase != "Available" && volume.phase != "Bound") continue;
        if (!volume.claim_name.empty() && !names_claim(volume, claim)) continue;
        if (!volume.claim_name.empty()) return object;
        if (waits || volume.phase != "Available" || volume.storage_class != claim.storage_class) continue;
        if (!selects(claim_object, *object)) continue;
        if (best && volume.capacity_bytes >= best_size) continue;
        best = object;
        best_size = volume.capacity_bytes;
    }
    return best;
}

// Four writes, as the real one makes: volume's spec and status, claim's spec and status. Each says that the controller
// bound it, if the user had not (GetBindVolumeToClaim, bindClaimToVolume).
// bind: pv_controller.go:1095.
void bind(Sim& sim, const ObjectPtr& volume, const ObjectPtr& claim) {
    const kube::ObjectRef &pv = volume.ref(), &pvc = claim.ref();
    const bool reserved = kube::find_at(*volume, "/spec/claimRef") != nullptr;
    const bool named = claim.claim().volume == pv.name;
    sim.edit(pv, [&](Json& object) {
        object["spec"]["claimRef"] = {{"kind", "PersistentVolumeClaim"},
                                      {"namespace", pvc.space},
                                      {"name", pvc.name},
                                      {"uid", claim.claim().uid},
                                      {"apiVersion", "v1"}};
        if (!reserved) object["metadata"]["annotations"][kBoundByController] = "yes";
    });
    set_phase(sim, volume, "Bound");
    sim.edit(pvc, [&](Json& object) {
        object["spec"]["volumeName"] = pv.name;
        object["metadata"]["annotations"][kBindCompleted] = "yes";
        if (!named) object["metadata"]["annotations"][kBoundByController] = "yes";
    });
    // A claim that is Bound already may have a smaller filesystem than its volume (updateClaimStatus,
    // pv_controller.go).
    sim.edit(pvc, [&](Json& object) {
        if (kube::text_at(object, "/status/phase") == "Bound") return;
        object["status"]["phase"] = "Bound";
        object["status"]["accessModes"] = (*volume)["spec"]["accessModes"];
        object["status"]["capacity"] = (*volume)["spec"]["capacity"];
    });
}

// Nothing would be written: looked at first, since the binder looks at everything all the time.
bool settled(const Json& volume, const Json& claim) {
    return kube::find_at(volume, "/spec/claimRef") != nullptr && kube::text_at(volume, "/status/phase") == "Bound" &&
           kube::text_at(claim, "/status/phase") == "Bound";
}

// syncBoundClaim: pv_controller.go:493.
void sync_bound_claim(Sim& sim, const ObjectPtr& object, const kube::Claim& claim) {
    const ObjectPtr volume = claim.volume.empty() ? nullptr : sim.store.find(volume_ref(claim.volume));
    const std::string owner = volume ? volume.volume().claim_uid : "";
    const bool free = volume && kube::find_at(*volume, "/spec/claimRef") == nullptr;
    if (volume && (free || owner == claim.uid)) {
        if (!settled(*volume, *object)) bind(sim, volume, object);
        return;
    }
    // A claim whose volume went to another is looked at when it changes, else every 15 s (pv_controller_base.go,
    // Resync).
    if (!claim.deleting && !sim.ripe("lost/" + claim.uid, kResync, Controller::kBinder)) return;
    sim.edit(object.ref(), [](Json& lost) { lost["status"] = {{"phase", "Lost"}}; });
}

// syncUnboundClaim: pv_controller.go:332.
void sync_claim(Sim& sim, const ObjectPtr& object) {
    const kube::Claim& claim = object.claim();
    if (!kube::annotation_of(*object, kBindCompleted).empty()) return sync_bound_claim(sim, object, claim);
    if (claim.volume.empty()) {
        if (claim.deleting) return;
        if (const ObjectPtr volume = match(sim, *object, claim)) bind(sim, volume, object);
        return;
    }
    const ObjectPtr volume = sim.store.find(volume_ref(claim.volume));
    if (!volume) return;
    const kube::Volume& found = volume.volume();
    // A free volume must satisfy the claim, also its class (checkVolumeSatisfyClaim); a reserved one need not.
    const bool satisfies = fits(*volume, found, *object, claim) && found.storage_class == claim.storage_class;
    if (found.claim_name.empty() ? satisfies : names_claim(found, claim)) bind(sim, volume, object);
}

// syncVolume: pv_controller.go:563; unbindVolume: 1141.
void sync_volume(Sim& sim, const ObjectPtr& object) {
    const kube::Volume& volume = object.volume();
    if (volume.claim_name.empty() || volume.claim_uid.empty()) return set_phase(sim, object, "Available");
    const ObjectPtr claim = sim.store.find(kube::kClaims, volume.claim_space, volume.claim_name);
    if (!claim || claim.claim().uid != volume.claim_uid) return set_phase(sim, object, "Released");
    const std::string& bound_to = claim.claim().volume;
    if (bound_to == volume.name) return set_phase(sim, object, "Bound");
    if (bound_to.empty()) return;  // the claim's turn binds them
    // Bound elsewhere: what the controller itself had bound is freed, what a user had reserved stays reserved.
    sim.edit(object.ref(), [](Json& one) {
        if (kube::annotation_of(one, kBoundByController).empty())
            one["spec"]["claimRef"].erase("uid");
        else
            one["spec"].erase("claimRef");
    });
}

}  // namespace

void run_binder(Sim& sim) {
    const bool claims_first = sim.dice.between(0, 1) == 1;
    for (int turn = 0; turn < 2; ++turn) {
        const bool claims = (turn == 0) == claims_first;
        for (const ObjectPtr& object : sim.all_of(claims ? kube::kClaims : kube::kVolumes)) {
            const ObjectPtr fresh = sim.store.find(object.ref());
            if (!fresh) continue;
            if (claims)
                sync_claim(sim, fresh);
            else
                sync_volume(sim, fresh);
        }
    }
}

}  // namespace holdfast::sim
