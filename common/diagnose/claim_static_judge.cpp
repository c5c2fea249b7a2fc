// A claim for which nothing provisions: a volume must be there already, and fit.
#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

bool has_all(const std::vector<std::string>& offered, const std::vector<std::string>& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
        return std::find(offered.begin(), offered.end(), one) != offered.end();
    });
}

// Why this volume is not for this claim; "" if nothing speaks against it as far as the two say.
std::string unfit(const kube::Volume& volume, const kube::ClaimState& claim) {
    const std::string wanted = claim.storage_class.value_or("");
    if (volume.storage_class != wanted) return "is of class \"" + volume.storage_class + "\"";
    const bool reserved = !volume.claim_name.empty();
    const bool for_us = volume.claim_space == claim.space && volume.claim_name == claim.name;
    if (reserved && !for_us) return "is reserved for " + volume.claim_space + "/" + volume.claim_name;
    if (for_us && !volume.claim_uid.empty() && volume.claim_uid != claim.uid) {
        return "is reserved for an earlier claim of this name (spec.claimRef.uid)";
    }
    if (volume.phase == "Released" || volume.phase == "Failed") return "is " + volume.phase;
    if (volume.capacity_bytes >= 0 && claim.requested_bytes > volume.capacity_bytes) {
        return "has " + human_bytes(volume.capacity_bytes);
    }
    if (!has_all(volume.access_modes, claim.access_modes)) return "offers " + join(volume.access_modes, ", ");
    const std::string mode = claim.volume_mode.empty() ? "Filesystem" : claim.volume_mode;
    if (volume.volume_mode != mode) return "has volumeMode " + volume.volume_mode;
    return "";
}

}  // namespace

Findings judge_static(const ClaimFacts& facts) {
    const kube::ClaimState& claim = facts.claim.value;
    const std::string name = claim.storage_class.value_or("");
    const std::string asks = human_bytes(claim.requested_bytes) + ", " + join(claim.access_modes, ", ");
    const std::string of_class = name.empty() ? "no class" : "class " + name;
    const std::string nothing =
        name.empty() ? "nothing provisions claims without a class" : "nothing provisions for class " + name;
    const std::string remedy = "make a PersistentVolume that fits (" + asks + ", " + of_class +
                               "), or make the claim with a class that provisions: `kubectl get storageclass`";
    if (!facts.volumes.there()) {
        return {error({"claim-no-volume", claim_object(facts), "volume",
                       nothing + ", so a volume must be there already; volumes may not be listed", remedy})};
    }
    std::vector<std::string> near;
    for (const kube::Volume& volume : facts.volumes.value) {
        if (volume.storage_class != name && volume.claim_name != claim.name) continue;
        const std::string why = unfit(volume, claim);
        if (why.empty() && !claim.has_selector) {
            return {info({"claim-binding", claim_object(facts), "volume",
                          "volume " + volume.name + " fits and is not bound to it yet",
                          "wait; with a WaitForFirstConsumer class a pod must come first"})};
        }
        near.push_back(volume.name + " " + (why.empty() ? "may not match its selector" : why));
    }
    return {error({"claim-no-volume", claim_object(facts), "volume",
                   "it asks for " + asks + ", " + nothing + ", and no volume fits" +
                       (near.empty() ? ": there is none of that class" : ": " + named(near)),
                   remedy})};
}

}  // namespace holdfast::diagnose
