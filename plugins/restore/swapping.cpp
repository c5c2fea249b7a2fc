#include "plugins/restore/swapping.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/plan/wait.h"
#include "plugins/restore/prove.h"
#include "plugins/restore/reach.h"
#include "plugins/restore/since.h"
#include "plugins/restore/swap_plan.h"
#include "plugins/restore/traces.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::restore {
namespace {

// R8 once more, right before the point of no return: somebody's nightly snapshot may have begun since, and a claim that
// is asked to go cannot be asked to stay.
Status check_snapshots(kube::ClusterReader& reader, const SwapRecord& record, const SwapFacts& facts) {
    std::set<std::string> claims;
    for (const Swap& swap : record.swaps) {
        if (!untouched(swap, facts)) return {};  // past that point the way is forward
        claims.insert(swap.claim);
    }
    TRY_ASSIGN(const kube::List list, reader.list(kube::kSnapshots, record.space));
    for (const Json& item : list.items) {
        const kube::Snapshot snapshot = kube::snapshot_of(item);
        if (!claims.contains(snapshot.claim) || snapshot.ready || snapshot.deleting) continue;
        return Error{ErrorKind::kConflict,
                     "vs/" + record.space + "/" + snapshot.name + " of pvc/" + record.space + "/" + snapshot.claim +
                         " was begun meanwhile and is not ready yet: its finalizer keeps the claim from going away "
                         "until the upload "
                         "ends; no claim was deleted",
                     "wait until it is ready: `kubectl snap describe vs/" + snapshot.name + "`, then go on"};
    }
    return {};
}

// Nodes may have gone since the volumes were proven or the plan was shown: once more before the workload is stopped,
// and before the first claim is deleted where an earlier run stopped it.
Status check_nodes(kube::ClusterReader& reader, const SwapRecord& record, const SwapFacts& facts) {
    if (!facts.workload || record.workload.replicas <= record.workload.stopped) return {};
    std::map<std::string, Json> incoming;
    std::vector<const Json*> volumes;
    for (const Swap& swap : record.swaps) {
        if (!untouched(swap, facts)) return {};  // past that point the way is forward
        const Json* volume = volume_now(facts, record.incoming.at(swap.claim).volume);
        if (volume == nullptr) return {};  // the wait or the step that needs it says so
        incoming[swap.claim] = *volume;
        volumes.push_back(volume);
    }
    TRY_ASSIGN(const auto nodes, gather_nodes(reader, volumes));
    const Reach reach = judge_reach(record, incoming, *facts.workload, nodes);
    if (reach.nowhere.empty()) return {};
    return Error{ErrorKind::kConflict, reach.nowhere + ", by now; no claim was deleted, and no volume was swapped",
                 "have a node there again (`kubectl get nodes --show-labels`), then go on; or end this with `abort`"};
}

// A claim that somebody has built anew meanwhile is theirs, and so is the volume that it has. Before any claim was
// swapped that ends it; after the swap report() tells of it. In between the workload is down, and only its owner knows
// which data of that claim counts.
Status check_remade(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    const auto found = std::find_if(record.swaps.begin(), record.swaps.end(),
                                    [&](const Swap& swap) { return remade(swap, record, facts); });
    if (found == record.swaps.end() || over(record, facts)) return {};
    const std::string volume = kube::volume_of_claim(*claim_now(facts, found->claim));
    const std::string what = "pvc/" + record.space + "/" + found->claim +
                             " was deleted and made anew by somebody meanwhile, and has pv/" + volume + " now";
    const std::string rest = operation + " -n " + record.space;
    if (!beyond_return(record, facts, operation))
        return Error{ErrorKind::kConflict, what + "; no claim was swapped, and that one is left as it is",
                     "to begin again with what there is now, first: kubectl restore abort " + rest};
    return Error{ErrorKind::kConflict, what + "; other claims are swapped already, and the workload is down",
                 "if pv/" + volume +
                     " holds nothing that counts (else set its reclaim policy to Retain first): kubectl "
                     "delete pvc " +
                     found->claim + " -n " + record.space + "; then: kubectl restore resume " + rest};
}

// A snapshot that was deleted and made anew has another content under the same name.
Status check_sources(const SwapRecord& shown, const SwapRecord& now) {
    for (const Swap& swap : now.swaps) {
        const auto same = [&](const Swap& one) { return one.claim == swap.claim && one.source == swap.source; };
        if (std::any_of(shown.swaps.begin(), shown.swaps.end(), same)) continue;
        return Error{ErrorKind::kConflict,
                     "the snapshot of pvc/" + now.space + "/" + swap.claim +
                         " was deleted and made anew since the plan was shown; nothing was changed",
                     "run the command again and look at the new plan"};
    }
    return {};
}

// What plan() and recover() see of an operation before its first journal, after which the record speaks.
bool recorded(const plan::Input& input) { return kube::find_at(input.record, "/swaps") != nullptr; }

}  // namespace

Result<std::vector<kube::ObjectRef>> Swapping::lock_targets(kube::ClusterReader&) {
    return std::vector<kube::ObjectRef>{target_};
}

// The journal first: what it holds was decided when the cluster could still say it.
Status Swapping::recall(const plan::Input& input) {
    TRY_ASSIGN(record_, record_of(input.record, target_.space));
    // An undo's command line does not say what it is on.
    if (record_->workload.exists())
        target_ = record_->workload.ref;
    else if (!record_->swaps.empty())
        target_.name = record_->swaps.front().claim;
    return {};
}

Result<plan::Plan> Swapping::plan(kube::ClusterReader& reader, const plan::Input& input) {
    if (recorded(input)) {
        TRY(recall(input));
        TRY(check_whole(*record_, input.record, input.operation));
        return round(reader, input);
    }
    TRY_ASSIGN(Opening opening, open(reader, input));
    // What is shown first and what is done once somebody has said yes.
    if (record_) TRY(check_sources(*record_, opening.record));
    record_ = std::move(opening.record);
    record_->line = input.line;
    record_->line["kind"] = kind();
    nothing_to_do_ = opening.nothing_to_do;
    if (nothing_to_do_) {
        plan::Plan plan;
        plan.operation = input.operation;
        plan.notes = std::move(opening.notes);
        return plan;
    }
    TRY_ASSIGN(plan::Plan plan, round(reader, input));
    Json record = record_json(*record_);
    if (plan.record.is_object()) record.update(plan.record);
    plan.record = std::move(record);
    plan.asks = true;
    plan.notes.insert(plan.notes.begin(), opening.notes.begin(), opening.notes.end());
    plan.later = swap_in_words(*record_);
    plan.rehearsal = swap_rehearsal(*record_);
    for (kube::AccessCheck& need : swap_needs(*record_)) plan.later_needs.push_back(std::move(need));
    return plan;
}

Result<plan::Plan> Swapping::round(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(SwapFacts facts, gather_swap(reader, *record_, input.operation));
    // What shows the workload as it was before it was started is an old state: the pods that it has now are not to end.
    if (!started_.empty() && facts.workload && kube::version_of(*facts.workload) == started_) {
        TRY_ASSIGN(facts, gather_swap(reader, *record_, input.operation));
    }
    const Stage stage = stage_of(*record_, facts, input.operation);
    if (!facts.strangers.empty()) {
        const auto& [claim, volume] = *facts.strangers.begin();
        return Error{ErrorKind::kConflict,
                     "pvc/" + record_->space + "/" + claim + " was bound to pv/" + volume +
                         ", which was there before and holds somebody's data; the workload was not touched",
                     "abort leaves both as they are; set that volume's reclaim policy to Retain before you delete the "
                     "claim"};
    }
    // Its claims may have been made anew by its own way back.
    if (stage == Stage::kProve && lost_kept(*record_, facts)) return prove(reader, *record_, input.operation);
    TRY(check_remade(*record_, facts, input.operation));
    if (stage == Stage::kProve) {
        if (auto failure = proof_failure(facts)) return *failure;
        return prove(reader, *record_, input.operation);
    }
    if (stage == Stage::kStop && input.round > 0 && held_down(*record_, facts)) {
        return Error{ErrorKind::kConflict,
                     record_->workload.text() + " was scaled up by somebody else while its volumes were being swapped",
                     "see who does that (an autoscaler, GitOps), then go on"};
    }
    if (stage != Stage::kFinish) TRY(check_since(*record_, facts));
    note_asked(*record_, facts);
    const bool still_down = input.round == 0 && stage > Stage::kStop && stage < Stage::kFinish;
    if (stage == Stage::kStop || still_down) TRY(check_nodes(reader, *record_, facts));
    if (stage == Stage::kReplace) TRY(check_snapshots(reader, *record_, facts));
    TRY_ASSIGN(plan::Plan plan, plan_swap(stage, *record_, facts, input.operation));
    // The last word counts: a volume that is gone is made anew while the claim still has its old one.
    Json latest = incoming_json(*record_);
    latest.update(asked_json(*record_));
    if (plan.latest.is_object()) latest.update(plan.latest);
    plan.latest = std::move(latest);
    held_ = plan.shielded;
    past_return_ = stage >= Stage::kReplace;  // as far as is known, until recover() has looked
    const bool starts =
        std::any_of(plan.steps.begin(), plan.steps.end(), [](const plan::Step& step) { return step.id == "start"; });
    if (starts && facts.workload) started_ = kube::version_of(*facts.workload);
    return plan;
}

// Whoever cannot even look must hear first of all that the service may be down.
Error Swapping::unseen(kube::ClusterReader& reader, Error error) const {
    if (!held_) return error;
    const Workload& workload = record_->workload;
    // It may be up again by what this process has done since it planned that.
    auto live = reader.find(workload.ref);
    SwapFacts alone;
    if (live.ok()) alone.workload = std::move(*live);
    if (live.ok() && !held_down(*record_, alone)) return error;
    error.message += "; " + workload.text() + (live.ok() ? " is" : " may be") + " held down at " +
                     std::to_string(workload.stopped) + " replicas: resume brings it back to " +
                     std::to_string(workload.replicas);
    return error;
}

Result<plan::Plan> Swapping::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan nothing;
    if (!record_) return nothing;
    if (recorded(input)) TRY(recall(input));
    const Result<SwapFacts> gathered = gather_swap(reader, *record_, input.operation);
    if (!gathered.ok()) return unseen(reader, gathered.error());
    const SwapFacts& facts = *gathered;
    note_asked(*record_, facts);
    past_return_ = beyond_return(*record_, facts, input.operation);
    if (past_return_) {
        if (auto back = plan_return(*record_, facts, input.operation)) {
            past_return_ = false;
            if (auto why = prove(reader, *record_, input.operation); !why.ok()) back->instead = why.error();
            return std::move(*back);
        }
    }
    if (held_down(*record_, facts)) return plan_service(*record_, facts, input.operation);
    if (stage_of(*record_, facts, input.operation) == Stage::kFinish && error.kind == ErrorKind::kTimeout)
        return end_unready(facts, input.operation, error);
    if (auto failure = proof_failure(facts); failure && error.kind != ErrorKind::kInterrupted) {
        TRY_ASSIGN(plan::Plan plan, take_down(reader, facts, input.operation));
        plan.instead = std::move(*failure);
        return plan;
    }
    // No volume comes of a snapshot that is gone, now or later.
    const bool vain = error.reason == plan::kNeverMore;
    if (vain && !past_return_ && stage_of(*record_, facts, input.operation) == Stage::kProve) {
        TRY_ASSIGN(plan::Plan plan, take_down(reader, facts, input.operation));
        plan.instead = Error{ErrorKind::kFailed, error.message,
                             "the workload was not touched and runs on; restore from another set"};
        return plan;
    }
    return nothing;
}

// Nothing was switched over, and nothing of it stays: another set is the next thing to try.
Result<plan::Plan> Swapping::take_down(kube::ClusterReader& reader, SwapFacts facts,
                                       const std::string& operation) const {
    TRY(gather_snapshots(reader, *record_, facts));
    return plan_back(*record_, facts, operation);
}

// The swap is done and what was put in does not come up: the operation ends here, so that undo is free to go back.
Result<plan::Plan> Swapping::end_unready(const SwapFacts& facts, const std::string& operation, const Error& error) {
    TRY_ASSIGN(plan::Plan plan, plan_swap(Stage::kFinish, *record_, facts, operation));
    std::erase_if(plan.steps, [](const plan::Step& step) {
        const auto* wait = std::get_if<plan::WaitFor>(&step.action);
        return wait != nullptr && wait->condition == plan::Condition::kAllReady;
    });
    if (!plan.steps.empty()) plan.steps.front().after.clear();
    plan.instead = error;
    plan.instead->message = "the volumes are swapped, but " + error.message + "; the old volumes are kept";
    plan.instead->hint = "to go back to them: kubectl restore undo " + operation + " -n " + record_->space;
    return plan;
}

Result<std::optional<plan::Plan>> Swapping::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    if (!recorded(input)) return std::optional<plan::Plan>();
    TRY(recall(input));
    TRY_ASSIGN(SwapFacts facts, gather_without_workload(reader, *record_, input.operation));
    TRY(gather_snapshots(reader, *record_, facts));
    if (record_->workload.exists() && !facts.workload)
        return std::optional(plan_close(*record_, facts, input.operation));
    TRY_ASSIGN(plan::Plan plan, plan_back(*record_, facts, input.operation));
    return std::optional(std::move(plan));
}

Result<std::vector<plan::Journal>> Swapping::rebuild(kube::ClusterReader& reader) {
    return unfinished_swaps(reader, target_.space);
}

namespace {

bool has_its_volume(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const Json* volume = volume_now(facts, record.incoming.at(swap.claim).volume);
    return swapped(swap, record, facts) && volume != nullptr &&
           kube::volume_of(*volume).claim_uid == kube::uid_of(*claim_now(facts, swap.claim));
}

// A read may be answered from before the swap: what would be told as lost is looked at twice.
Result<SwapFacts> gather_end(kube::ClusterReader& reader, SwapRecord& record, const std::string& operation) {
    TRY_ASSIGN(SwapFacts facts, gather_swap(reader, record, operation));
    const bool all = std::all_of(record.swaps.begin(), record.swaps.end(),
                                 [&](const Swap& swap) { return has_its_volume(swap, record, facts); });
    return all ? Result<SwapFacts>(std::move(facts)) : gather_swap(reader, record, operation);
}

}  // namespace

Result<plan::Report> Swapping::report(kube::ClusterReader& reader, const plan::Input& input) {
    plan::Report report;
    Json claims = Json::array();
    if (!nothing_to_do_) {
        TRY_ASSIGN(const SwapFacts facts, gather_end(reader, *record_, input.operation));
        for (const Swap& swap : record_->swaps) {
            const std::string what = "pvc/" + record_->space + "/" + swap.claim;
            // Nothing is left half-way: the swap was done, and what has befallen the claim since is somebody's will.
            const bool since = over(*record_, facts);
            if (!has_its_volume(swap, *record_, facts))
                return Error{since ? ErrorKind::kFailed : ErrorKind::kConflict,
                             what + " is not bound to pv/" + record_->incoming.at(swap.claim).volume +
                                 " any more: somebody else changed it",
                             "the old volume pv/" + swap.old_volume + " is kept"};
            claims.push_back({{"claim", swap.claim},
                              {"volume", record_->incoming.at(swap.claim).volume},
                              {"keptVolume", swap.old_volume}});
            const auto asked = record_->asked.find(swap.claim);
            if (asked != record_->asked.end()) claims.back()["askedMeanwhile"] = asked->second;
        }
        if (held_down(*record_, facts))
            return Error{ErrorKind::kConflict, record_->workload.text() + " is held down again", ""};
        if (const std::string lost = lost_volumes(*record_, facts); !lost.empty())
            return Error{ErrorKind::kFailed,
                         "the volumes are swapped, but not every old one is kept, since somebody deleted it: " + lost +
                             "; its reclaim policy was Retain, so the storage still has the data",
                         "a PersistentVolume with that driver and handle, under Retain, reaches it again"};
    }
    report.text = done_text(*record_, input.operation) + asked_meanwhile(*record_);
    report.names = {target_.resource.qualified() + "/" + target_.name};
    report.json = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "SwappedVolumes"}, {"operation", input.operation},
                   {"target", target_.text()},        {"from", record_->from},    {"claims", std::move(claims)}};
    return report;
}

}  // namespace holdfast::restore
