#include "plugins/restore/swap_steps.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/drive_parts.h"
#include "common/plan/make_step.h"

namespace holdfast::restore {
namespace {

using plan::Delete;
using plan::Patch;
using plan::Scale;
using plan::Step;

}  // namespace

Status unswapped(const SwapRecord& record, const Swap& swap, const Json& old_volume, const std::string& unchanged) {
    const auto mark = brief_mark_of(old_volume);
    const std::string ours = record.workload.exists() ? record.workload.text() : "";
    if (!mark || !mark->taken_out || mark->claim_uid != swap.claim_uid || mark->workload == ours) return {};
    return Error{ErrorKind::kLocked,
                 "the volume of pvc/" + record.space + "/" + swap.claim + " is being swapped by operation " +
                     escape_line(mark->operation) + (mark->workload.empty() ? "" : " for ") +
                     escape_line(mark->workload) + ", which is unfinished; " + unchanged,
                 plan::lines_for("restore", shell_quote(mark->operation), shell_quote(record.space)), 0, ""};
}

SwapSteps::SwapSteps(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
    : record_(record), facts_(facts), operation_(operation) {
    plan_.operation = operation;
    plan_.last = false;
}

plan::Hold SwapSteps::hold() const { return {record_.workload, *facts_.workload, record_.held}; }

// Somebody may have deleted a claim since it was read, and its pod would start on the empty volume that the controller
// then makes (I4).
void SwapSteps::look_before_start(bool on_old) {
    plan::WaitFor look{kube::kClaims, record_.space, {}, plan::Condition::kClaimBound, ""};
    for (const Swap& swap : record_.swaps) {
        const bool is_swapped = swapped(swap, record_, facts_);
        if (!is_swapped && !(on_old && untouched(swap, facts_))) continue;
        look.names.push_back(swap.claim);
        look.bound_to.push_back(is_swapped ? record_.incoming.at(swap.claim).volume : swap.old_volume);
        look.uids.push_back(kube::uid_of(*claim_now(facts_, swap.claim)));
    }
    if (look.names.empty()) return;
    add("look-before-start", "see that every claim still has its volume",
        "the pod of a claim that is gone would start on an empty one", std::move(look));
}

void SwapSteps::scale_up(bool on_old) {
    if (!held_down(record_, facts_)) return;
    plan::add_start(plan_, hold(), facts_.pods);
    Step start = std::move(plan_.steps.back());
    plan_.steps.pop_back();
    look_before_start(on_old);
    start.after = after_last();
    plan_.steps.push_back(std::move(start));
}

void SwapSteps::remove_provers() {
    for (const Json& pod : facts_.provers) {
        const std::string name = kube::name_of(pod);
        add("delete-pod-" + name, "delete pod/" + record_.space + "/" + name, "a throwaway",
            Delete{{kube::kPods, record_.space, name}, {kube::uid_of(pod), ""}});
    }
}

void SwapSteps::restore_retention() {
    if (facts_.workload) plan::add_retention_back(plan_, hold());
}

void SwapSteps::look_again(const Swap& swap, const std::string& volume) {
    const Json* claim = claim_now(facts_, swap.claim);
    if (swap.old_policy == "Retain" || claim == nullptr) return;
    plan::WaitFor look{kube::kClaims, record_.space, {swap.claim}, plan::Condition::kClaimBound, ""};
    look.bound_to = {volume};
    look.uids = {kube::uid_of(*claim)};
    add("look-" + swap.claim, "see that pvc/" + record_.space + "/" + swap.claim + " still has pv/" + volume,
        "with a claim that goes, its volume would go too", std::move(look));
}

Json SwapSteps::unmarked(const std::string& policy) {
    return {{"metadata",
             {{"labels", {{labels::kKept, nullptr}, {labels::kPutIn, nullptr}}},
              {"annotations", {{labels::kSwap, nullptr}}}}},
            {"spec", {{"persistentVolumeReclaimPolicy", policy}}}};
}

void SwapSteps::give_policy_back(const Swap& swap, const std::string& name, const std::string& uid, const char* step,
                                 const char* reason) {
    const Json* volume = volume_now(facts_, name);
    const auto mark = volume == nullptr ? std::nullopt : brief_mark_of(*volume);
    if (!mark || mark->operation != operation_) return;
    look_again(swap, name);
    // Only as it was read: with its claim gone meanwhile it is Released, and under Delete it would go too.
    Patch patch{
        volume_ref(name), kube::PatchType::kMerge, unmarked(swap.old_policy), {uid, kube::version_of(*volume)}, ""};
    add(step + name, "set the reclaim policy of pv/" + name + " to " + swap.old_policy, reason, std::move(patch))
        .replan = true;
}

void SwapSteps::keep(const std::string& name, const std::string& uid, const std::string& which,
                     const std::optional<std::string>& mark, Json claim_ref) {
    const Json* volume = volume_now(facts_, name);
    if (volume == nullptr) return;
    const auto marked = brief_mark_of(*volume);
    if (marked ? marked->operation != operation_ : kube::reclaim_policy_of(*volume) == "Retain") return;
    plan_.notes.push_back("pv/" + name + ", " + which + ", stays, under reclaim policy Retain");
    Json body = unmarked("Retain");
    if (!claim_ref.is_null()) body["spec"]["claimRef"] = std::move(claim_ref);
    if (mark) {
        body["metadata"]["labels"][labels::kKept] = record_.undoes;
        body["metadata"]["annotations"][labels::kSwap] = *mark;
    }
    Step& step =
        add("let-go-" + name, "let pv/" + name + " go, under Retain", "its data stays",
            Patch{volume_ref(name), kube::PatchType::kMerge, std::move(body), {uid, kube::version_of(*volume)}, ""});
    step.replan = true;
}

void SwapSteps::let_go_old(const Swap& swap) {
    const Json* volume = volume_now(facts_, swap.old_volume);
    if (volume != nullptr && brief_mark_of(*volume))
        keep(swap.old_volume, swap.old_volume_uid, "which pvc/" + swap.claim + " had before", std::nullopt);
}

void SwapSteps::let_go_incoming(const Swap& swap) {
    const auto incoming = record_.incoming.find(swap.claim);
    const Json* volume = incoming == record_.incoming.end() ? nullptr : volume_now(facts_, incoming->second.volume);
    if (volume == nullptr || !brief_mark_of(*volume)) return;
    keep(incoming->second.volume, incoming->second.volume_uid,
         (put_in(swap, record_, facts_) ? "which pvc/" + swap.claim + " had"
                                        : "which was to be pvc/" + swap.claim + "'s"),
         swap.temporary.empty() ? std::optional(swap.kept_mark) : std::nullopt);
}

Step& SwapSteps::add(std::string id, std::string title, std::string reason, plan::Action action) {
    return plan::append_step(plan_, std::move(id), std::move(title), std::move(reason), std::move(action));
}
Step& SwapSteps::phased(std::string id, std::string title, std::string reason, plan::Action action, const char* phase) {
    Step& step = add(std::move(id), std::move(title), std::move(reason), std::move(action));
    step.phase = phase;
    return step;
}
std::vector<std::string> SwapSteps::after_last() const {
    return plan_.steps.empty() ? std::vector<std::string>{} : std::vector{plan_.steps.back().id};
}

Json SwapSteps::reference(const std::string& claim, const std::string& uid) const {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"namespace", record_.space},
            {"name", claim},
            {"uid", uid.empty() ? Json(nullptr) : Json(uid)},
            {"resourceVersion", nullptr}};
}

}  // namespace holdfast::restore
