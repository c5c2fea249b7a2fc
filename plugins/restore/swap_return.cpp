// The way back of an undo that has lost what it was to put in: see plan_return in swap_plan.h.
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/swap_plan.h"
#include "plugins/restore/swap_steps.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::WaitFor;

// The volume that the claim had is still nobody else's, and kept.
bool has_old(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const Json* object = volume_now(facts, swap.old_volume);
    if (object == nullptr || kube::deleting(*object) || kube::reclaim_policy_of(*object) != "Retain") return false;
    const kube::Volume volume = kube::volume_of(*object);
    if (volume.claim_space != record.space || volume.claim_name != swap.claim) return false;
    const Json* claim = claim_now(facts, swap.claim);
    return volume.claim_uid.empty() || volume.claim_uid == swap.claim_uid ||
           (claim != nullptr && volume.claim_uid == kube::uid_of(*claim));
}

// It goes already, or waits for or is on what was to be put in: nothing on it is anybody's but the kept volume's.
bool replaceable(const Swap& swap, const SwapRecord& record, const Json& claim) {
    const auto incoming = record.incoming.find(swap.claim);
    return kube::uid_of(claim) == swap.claim_uid ||
           (incoming != record.incoming.end() && kube::volume_of_claim(claim) == incoming->second.volume);
}

// Made by somebody, or by this operation on the old volume: what is reserved for its name is what it gets.
bool takes_old(const Swap& swap, const Json& claim) {
    const std::string volume = kube::volume_of_claim(claim);
    return !kube::deleting(claim) && (volume.empty() || volume == swap.old_volume);
}

bool can_return(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    if (on_old(swap, facts)) return true;
    const Json* claim = claim_now(facts, swap.claim);
    return has_old(swap, record, facts) &&
           (claim == nullptr || replaceable(swap, record, *claim) || takes_old(swap, *claim));
}

class ReturnPlanner : public SwapSteps {
  public:
    ReturnPlanner(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
        : SwapSteps(record, facts, operation) {}

    // R9, as on the way forward: the name is reserved before it is released.
    void reserve() {
        std::vector<std::string> names;
        for (const Swap& swap : record_.swaps) {
            const kube::Volume volume = kube::volume_of(*volume_now(facts_, swap.old_volume));
            if (on_old(swap, facts_) || volume.claim_uid != swap.claim_uid) continue;
            names.push_back(volume.name);
            phased("reserve-back-" + swap.claim, "reserve pv/" + volume.name + " for pvc/" + swap.claim,
                   "it had this volume until now, and what was to be put in is gone",
                   Patch{volume_ref(volume.name),
                         kube::PatchType::kMerge,
                         {{"spec", {{"claimRef", reference(swap.claim, "")}}}},
                         {volume.uid, ""},
                         ""},
                   "swap");
        }
        if (names.empty()) return;
        phased("wait-reserved-back", "wait until the reserved volumes are Available",
               "the binder has seen the reservation",
               WaitFor{kube::kVolumes, "", names, Condition::kVolumeAvailable, ""}, "swap");
    }

    void replace() {
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim == nullptr || on_old(swap, facts_) || !replaceable(swap, record_, *claim)) continue;
            phased("delete-" + swap.claim, "delete pvc/" + record_.space + "/" + swap.claim,
                   "made anew on the volume that it had; every volume is kept",
                   Delete{{kube::kClaims, record_.space, swap.claim}, {kube::uid_of(*claim), ""}}, "swap");
        }
        const std::vector<std::string> after = after_last();
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (on_old(swap, facts_) || (claim != nullptr && !replaceable(swap, record_, *claim))) continue;
            const std::string source = kube::annotation_of(swap.manifest, labels::kRestoredFrom);
            Create create{
                kube::renewed_claim(swap.manifest, {swap.old_volume, kube::request_text_of(swap.manifest), source}),
                {},
                true};
            create.insists = true;  // R13: the workload is down
            phased("create-" + swap.claim, "create pvc/" + record_.space + "/" + swap.claim + " anew",
                   "on pv/" + swap.old_volume + ", which it had until now", std::move(create), "swap")
                .after = after;
        }
    }

    // No pod starts on anything but what its claim had (I4).
    void start() {
        WaitFor bound{kube::kClaims, record_.space, {}, Condition::kClaimBound, ""};
        for (const Swap& swap : record_.swaps) {
            bound.names.push_back(swap.claim);
            bound.bound_to.push_back(swap.old_volume);
        }
        const std::vector<std::string> after = ends();
        phased("wait-bound-back", "wait until every claim is on the volume that it had",
               "any other volume stops the operation", std::move(bound), "swap")
            .after = after;
        if (record_.workload.exists()) plan::add_start(plan_, hold(), facts_.pods);
    }

  private:
    // All steps so far: creates stand beside each other.
    std::vector<std::string> ends() const {
        std::vector<std::string> ids;
        for (const plan::Step& step : plan_.steps) ids.push_back(step.id);
        return ids;
    }
};

}  // namespace

std::optional<plan::Plan> plan_return(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    const bool stopped = !record.workload.exists() ||
                         (held_down(record, facts) && kube::replicas_of(*facts.workload) == record.workload.stopped);
    const bool can = std::all_of(record.swaps.begin(), record.swaps.end(),
                                 [&](const Swap& swap) { return can_return(swap, record, facts); });
    if (!stopped || !facts.pods.empty() || !can || !lost_kept(record, facts)) return std::nullopt;
    ReturnPlanner planner(record, facts, operation);
    planner.reserve();
    planner.replace();
    planner.start();
    plan::Plan plan = planner.take();
    plan.shielded = record.workload.exists();
    plan.latest = held_json(std::nullopt);  // it is up again: a number that somebody sets from now on is theirs
    return plan;
}

}  // namespace holdfast::restore
