#include "plugins/restore/undo.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/kube/server_time.h"
#include "common/plan/drive_parts.h"
#include "common/plan/journal.h"
#include "common/plan/wakers.h"
#include "plugins/restore/in_place_guards.h"
#include "plugins/restore/in_place_plan.h"
#include "plugins/restore/swap_plan.h"
#include "plugins/restore/traces.h"
#include "plugins/restore/undo_guards.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

Result<Swap> swap_back(const InPlaceFacts& facts, const KeptVolume& kept) {
    const std::string what = "pvc/" + kept.mark.space + "/" + kept.mark.claim;
    const auto claim = facts.claims.find(kept.mark.claim);
    if (claim == facts.claims.end())
        return refuse(what + " does not exist any more",
                      "make it again, then undo; pv/" + kept.volume.name + " is kept");
    Swap swap;
    swap.claim = kept.mark.claim;
    swap.ordinal = kept_ordinal(facts.workload, kept.mark.claim);
    TRY(take_old_volume(facts.volumes, claim->second, swap));
    swap.request = kube::request_text_of(claim->second);
    swap.source = kept.mark.source;
    swap.kept_mark = without_record(kept.mark_text);
    swap.kept_storage = storage_text(kept.volume);
    return swap;
}

Result<InPlaceFacts> gather(kube::ClusterReader& reader, const KeptOperation& kept, const kube::ObjectRef& target) {
    InPlaceFacts facts;
    if (!(target.resource == kube::kClaims)) {
        TRY_ASSIGN(std::optional<Json> workload, reader.find(target));
        if (!workload)
            return Error{ErrorKind::kNotFound,
                         target.text() + " is not there any more; nothing was changed, and what " + kept.id +
                             " took out of it is kept",
                         "make it again, with 0 replicas if you like, and then undo"};
        facts.workload = std::move(*workload);
        TRY_ASSIGN(kube::List autoscalers, reader.list(kube::kHorizontalPodAutoscalers, target.space));
        facts.autoscalers = std::move(autoscalers.items);
        facts.deployer_paused = plan::deployer_paused(reader, facts.workload);
    } else {
        TRY_ASSIGN(facts.holder, holder_of(reader, target));
    }
    for (const KeptVolume& one : kept.volumes) {
        TRY_ASSIGN(const auto claim, reader.find({kube::kClaims, target.space, one.mark.claim}));
        if (!claim) continue;
        facts.claims[one.mark.claim] = *claim;
        const std::string name = kube::volume_of_claim(*claim);
        if (name.empty()) continue;
        TRY_ASSIGN(const auto volume, reader.find({kube::kVolumes, "", name}));
        if (volume) facts.volumes[name] = *volume;
    }
    TRY_ASSIGN(kube::List pods, reader.list(kube::kPods, target.space));
    facts.pods = std::move(pods.items);
    TRY_ASSIGN(const kube::List snapshots, reader.list(kube::kSnapshots, target.space));
    for (const Json& item : snapshots.items) facts.snapshots.push_back(kube::snapshot_of(item));
    facts.now = kube::server_time(reader);
    return facts;
}

Workload workload_facts(const InPlaceFacts& facts, const kube::ObjectRef& target, const KeptOperation& kept) {
    Workload workload;
    if (!facts.workload.is_object()) return workload;
    const kube::WorkloadState state = kube::workload_state_of(facts.workload);
    workload.ref = target;
    workload.uid = state.uid;
    workload.replicas = state.replicas;
    workload.when_deleted = state.when_deleted;
    workload.when_scaled = state.when_scaled;
    // As much of it runs on as did then: ordinals below the lowest one that is swapped back.
    int lowest = -1;
    for (const KeptVolume& one : kept.volumes) {
        const int ordinal = kept_ordinal(facts.workload, one.mark.claim);
        if (ordinal < 0) return workload;
        lowest = lowest < 0 ? ordinal : std::min(lowest, ordinal);
    }
    workload.stopped = std::clamp(lowest - state.start_ordinal, 0, state.replicas);
    return workload;
}

// What has undone the operation, in an earlier run, to its end; null: nothing.
const KeptOperation* undone_before(const std::vector<KeptOperation>& all, const std::string& operation) {
    for (const KeptOperation& one : all) {
        if (!operation.empty() && one.volumes.front().mark.from == operation) return &one;
    }
    return nullptr;
}

// While its journal is open nobody knows whether its swap came to an end.
Status check_ended(kube::ClusterReader& reader, const std::string& space, const std::string& operation) {
    const auto journal = plan::read_or_rebuild(reader, space, operation, unfinished_swaps);
    if (!journal.ok()) return journal.error().kind == ErrorKind::kNotFound ? Status() : Status(journal.error());
    if (journal->state == "done") return {};
    // Past the swap, but perhaps never ready: going back is the very thing to do.
    TRY_ASSIGN(SwapRecord record, record_of(journal->record, space));
    TRY_ASSIGN(const SwapFacts facts, gather_swap(reader, record, operation));
    if (stage_of(record, facts, operation) == Stage::kFinish) return {};
    return refuse("operation " + operation + " is unfinished", plan::lines_for("restore", operation, space));
}

// Where claims or volumes are somebody else's by now.
std::string by_hand(const SwapRecord& record) {
    std::vector<std::string> ways;
    for (const Swap& swap : record.swaps)
        ways.push_back(
            "pvc/" + record.space + "/" + swap.claim + " had pv/" + swap.old_volume +
            " until now, which is kept under Retain: if the claim is not there any more, kubectl patch pv " +
            swap.old_volume +
            " --type merge -p '{\"spec\":{\"claimRef\":{\"uid\":null,\"resourceVersion\":null}}}', then make it with "
            "spec.volumeName " +
            swap.old_volume);
    if (record.workload.exists())
        ways.push_back("then: kubectl scale " + record.workload.ref.resource.short_name + "/" +
                       record.workload.ref.name + " --replicas=" + std::to_string(record.workload.replicas) + " -n " +
                       record.space);
    return join(ways, "\n  ");
}

}  // namespace

Result<std::vector<kube::ObjectRef>> Undo::lock_targets(kube::ClusterReader& reader) {
    TRY_ASSIGN(const std::vector<KeptOperation> all, gather_kept(reader, options_.space));
    // Undone already, by a run that was perhaps killed before it let its lock go: this one lets it go.
    if (const KeptOperation* by = undone_before(all, options_.operation); by != nullptr) {
        TRY_ASSIGN(const kube::ObjectRef target, target_of(by->volumes.front().mark));
        return std::vector<kube::ObjectRef>{target};
    }
    const auto kept = choose_kept(all, options_.operation);
    if (!kept.ok()) return std::vector<kube::ObjectRef>();  // open() says what there is
    TRY_ASSIGN(const kube::ObjectRef target, target_of((*kept)->volumes.front().mark));
    return std::vector<kube::ObjectRef>{target};
}

Result<Swapping::Opening> Undo::open(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const std::vector<KeptOperation> all, gather_kept(reader, options_.space));
    Opening opening;
    if (const KeptOperation* by = undone_before(all, options_.operation); by != nullptr) {
        TRY_ASSIGN(target_, target_of(by->volumes.front().mark));
        opening.nothing_to_do = true;
        opening.record.from = options_.operation;
        opening.record.undoes = by->id;
        opening.notes.push_back(by->id + " has undone " + options_.operation + " already");
        return opening;
    }
    TRY_ASSIGN(const KeptOperation* kept, choose_kept(all, options_.operation));
    if (!kept->complete())
        return refuse("operation " + kept->id + " took out " + std::to_string(kept->volumes.front().mark.count) +
                          " volumes and " + std::to_string(kept->volumes.size()) + " of them are still kept",
                      "an undo would mix old and new volumes");
    TRY(check_ended(reader, options_.space, kept->id));
    TRY_ASSIGN(target_, target_of(kept->volumes.front().mark));
    TRY_ASSIGN(const InPlaceFacts facts, gather(reader, *kept, target_));
    InPlaceOptions as_target;
    as_target.space = options_.space;
    as_target.target = target_;
    as_target.gitops_paused = options_.gitops_paused;
    TRY(check_owner(as_target, facts));
    TRY(check_added(facts, *kept));
    TRY(check_kept_version(facts, kept->id, kept->volumes.front().mark.image));
    SwapRecord& record = opening.record;
    record.space = options_.space;
    record.workload = workload_facts(facts, target_, *kept);
    record.from = record.undoes = kept->id;
    record.image = kept->volumes.front().mark.image;
    std::vector<std::string> earlier;
    for (const KeptOperation& one : all) earlier.push_back(one.at);
    record.at = moment_after(earlier, facts.now.value_or(input.now));
    for (const KeptVolume& one : kept->volumes) {
        TRY(check_kept(one));
        TRY_ASSIGN(Swap swap, swap_back(facts, one));
        TRY(check_fits(facts, record, swap, one));
        record.incoming[swap.claim] = {one.volume.name, one.volume.uid, one.mark.claim_uid};
        record.swaps.push_back(std::move(swap));
    }
    TRY(check_autoscalers(facts, record));
    TRY(check_claim_states(facts, record));
    TRY(check_pods(as_target, facts, record));
    TRY(check_shared(reader, *kept));
    TRY(check_reach(reader, facts, record, *kept, opening.notes));
    TRY(check_driver(reader, facts, record, *kept, opening.notes));
    opening.notes.push_back("writes that will be lost: those since " + span_text(kept->at, facts.now) + ", when " +
                            kept->id + " began");
    opening.notes.push_back("the volumes that are taken out are kept: undoing this undo puts them back");
    return opening;
}

Result<plan::Plan> Undo::prove(kube::ClusterReader& reader, const SwapRecord& record, const std::string& operation) {
    SwapRecord now = record;
    TRY_ASSIGN(const SwapFacts facts, gather_without_workload(reader, now, operation));
    std::vector<std::string> gone;
    for (const Swap& swap : now.swaps) {
        const auto incoming = now.incoming.find(swap.claim);
        if (incoming != now.incoming.end() && volume_now(facts, incoming->second.volume) != nullptr) continue;
        gone.push_back((incoming == now.incoming.end() ? "what pvc/" + swap.claim + " was to get back"
                                                       : "pv/" + incoming->second.volume) +
                       (swap.kept_storage.empty() ? "" : " (" + escape_line(swap.kept_storage) + ")"));
    }
    const bool back = !beyond_return(now, facts, operation) || plan_return(now, facts, operation).has_value();
    const std::string message = "somebody deleted what was to be put back: " + join(gone, ", ") +
                                "; its reclaim policy was Retain, so that the storage may still have it; what the "
                                "claims had until now is kept";
    if (!back) return Error{ErrorKind::kConflict, message, by_hand(now)};
    return Error{ErrorKind::kConflict,
                 message + (now.workload.exists() ? ", and " + now.workload.text() + " goes on with that" : ""),
                 "to end the undo: kubectl restore abort " + operation + " -n " + now.space +
                     "; a PersistentVolume with that driver and handle, under Retain, reaches the lost one's data "
                     "again, if the storage has it"};
}

std::string Undo::done_text(const SwapRecord& record, const std::string& operation) const {
    if (nothing_to_do_) return record.from + " was undone already, by " + record.undoes + "\n";
    std::string text = target_.resource.qualified() + "/" + target_.name + ": " + record.from + " undone\n";
    for (const Swap& swap : record.swaps)
        text += "  pvc/" + swap.claim + ": back on pv/" + record.incoming.at(swap.claim).volume + ", kept: pv/" +
                swap.old_volume + "\n";
    return text + "to undo the undo: kubectl restore undo " + operation + " -n " + record.space +
           "\nto remove the kept volumes: kubectl restore finalize " + operation + " -n " + record.space + "\n";
}

}  // namespace holdfast::restore
