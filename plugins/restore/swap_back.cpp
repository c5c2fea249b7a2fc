// The way back before the point of no return: see plan_back in swap_plan.h.
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/swap_plan.h"
#include "plugins/restore/swap_steps.h"

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Delete;
using plan::Patch;
using plan::Plan;
using plan::Step;
using plan::WaitFor;

class BackPlanner : public SwapSteps {
  public:
    BackPlanner(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
        : SwapSteps(record, facts, operation) {}

    // The incoming volume and its temporary claim go for good: they hold nothing that the snapshot does not hold. Where
    // that is gone by now, the volume stays.
    void discard_incoming(const Swap& swap) {
        const auto found = record_.incoming.find(swap.claim);
        const Json* temporary = swap.temporary.empty() ? nullptr : claim_now(facts_, swap.temporary);
        const Json* volume = found == record_.incoming.end() ? nullptr : volume_now(facts_, found->second.volume);
        const bool stays = volume != nullptr && last_copy(swap, facts_);
        if (stays) {
            keep(found->second.volume, found->second.volume_uid,
                 "the last copy of " + swap.source + ", which is not there any more", std::nullopt,
                 reference(swap.temporary, found->second.temporary_uid));
        } else if (volume != nullptr) {
            // Nothing but its own temporary claim may be its owner when the policy says Delete. Only as it was read:
            // whoever deletes the workload's claim now has its controller make one on this very volume.
            Json body = {
                {"metadata", {{"labels", {{labels::kPutIn, nullptr}}}, {"annotations", {{labels::kSwap, nullptr}}}}},
                {"spec",
                 {{"persistentVolumeReclaimPolicy", "Delete"},
                  {"claimRef", reference(swap.temporary, found->second.temporary_uid)}}}};
            Step& step = add("discard-" + found->second.volume, "give up pv/" + found->second.volume,
                             "made for this operation; the snapshot is kept",
                             Patch{volume_ref(found->second.volume),
                                   kube::PatchType::kMerge,
                                   std::move(body),
                                   {found->second.volume_uid, kube::version_of(*volume)},
                                   ""});
            step.replan = true;
        }
        if (facts_.strangers.contains(swap.temporary)) {
            plan_.notes.push_back("pvc/" + record_.space + "/" + swap.temporary + " is left: it was bound to pv/" +
                                  facts_.strangers.at(swap.temporary) + ", which was there before");
        } else if (temporary != nullptr && kube::label_of(*temporary, labels::kOperation) == operation_) {
            add("delete-" + swap.temporary, "delete pvc/" + record_.space + "/" + swap.temporary, "temporary",
                Delete{{kube::kClaims, record_.space, swap.temporary}, {kube::uid_of(*temporary), ""}});
        }
        if (volume != nullptr && !stays) {
            add("gone-" + found->second.volume, "wait until pv/" + found->second.volume + " is gone", "",
                WaitFor{kube::kVolumes, "", {found->second.volume}, Condition::kGone, ""});
        }
    }

    // An incoming volume of an undo is kept as it was kept before.
    void put_back(const Swap& swap) {
        const auto found = record_.incoming.find(swap.claim);
        const Json* volume = found == record_.incoming.end() ? nullptr : volume_now(facts_, found->second.volume);
        const auto mark = volume == nullptr ? std::nullopt : brief_mark_of(*volume);
        if (!mark || mark->operation != operation_) return;
        const Incoming& incoming = found->second;
        Json body = {{"metadata",
                      {{"labels", {{labels::kKept, record_.undoes}, {labels::kPutIn, nullptr}}},
                       {"annotations", {{labels::kSwap, swap.kept_mark}}}}},
                     {"spec", {{"claimRef", reference(swap.claim, incoming.temporary_uid)}}}};
        Step& step = add("put-back-" + incoming.volume, "keep pv/" + incoming.volume + " as before", "",
                         Patch{volume_ref(incoming.volume),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {incoming.volume_uid, kube::version_of(*volume)},
                               ""});
        step.replan = true;
    }

    void unmark_old(const Swap& swap) {
        give_policy_back(swap, swap.old_volume, swap.old_volume_uid, "restore-", "as it was before");
    }
};

// Whose workload is another one by now.
class ClosePlanner : public BackPlanner {
  public:
    ClosePlanner(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
        : BackPlanner(record, facts, operation) {
        plan_.notes.push_back(
            record.workload.text() +
            " was deleted or made anew by somebody: it, its claims and its pods are left as they are");
    }
};

}  // namespace

Result<Plan> plan_back(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    const bool beyond = beyond_return(record, facts, operation), turned = turned_back(record, facts);
    for (const Swap& swap : record.swaps) {
        if (turned) break;
        // What somebody has built anew is theirs, and what they take from a workload that runs; a claim that goes while
        // it is stopped is made again by `resume`.
        const bool taken = put_in(swap, record, facts);
        const bool theirs = (taken || remade(swap, record, facts) || dropped(swap, record, facts)) && !beyond;
        if (untouched(swap, facts) || theirs) continue;
        const std::string claim = "pvc/" + record.space + "/" + swap.claim, volume = "pv/" + swap.old_volume;
        return Error{ErrorKind::kRefused,
                     beyond
                         ? operation + " is past its point of no return: " + claim +
                               " was deleted or made anew; its old volume " + volume + " is kept; nothing was changed"
                         : operation + " is not taken back while " + claim +
                               " goes, which somebody has deleted: under its old reclaim policy " + volume +
                               " could go with it; nothing was changed",
                     lost_kept(record, facts)
                         ? "`kubectl restore resume " + operation + " -n " + record.space +
                               "` brings it back onto the volumes that it had, since what was to be put in is gone; "
                               "then abort again"
                         : "`kubectl restore resume " + operation + " -n " + record.space +
                               "`, and then `kubectl restore undo " + operation + " -n " + record.space + "`"};
    }
    BackPlanner planner(record, facts, operation);
    planner.scale_up(true);
    planner.remove_provers();
    for (const Swap& swap : record.swaps) {
        if (put_in(swap, record, facts) && !turned)
            planner.let_go_incoming(swap);
        else if (!swap.temporary.empty())
            planner.discard_incoming(swap);
        else
            planner.put_back(swap);
    }
    for (const Swap& swap : record.swaps) {
        if (untouched(swap, facts) || turned)
            planner.unmark_old(swap);
        else
            planner.let_go_old(swap);
    }
    planner.restore_retention();
    Plan plan = planner.take();
    plan.last = true;
    plan.asks = true;
    return plan;
}

Plan plan_close(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    ClosePlanner planner(record, facts, operation);
    planner.remove_provers();
    for (const Swap& swap : record.swaps) {
        if (!untouched(swap, facts)) {
            planner.let_go_old(swap);
            planner.let_go_incoming(swap);
            continue;
        }
        if (!swap.temporary.empty())
            planner.discard_incoming(swap);
        else
            planner.put_back(swap);
        planner.unmark_old(swap);
    }
    Plan plan = planner.take();
    plan.last = true;
    plan.asks = true;
    return plan;
}

}  // namespace holdfast::restore
