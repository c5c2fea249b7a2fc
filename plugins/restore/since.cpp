#include "plugins/restore/since.h"

#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
namespace {

Error changed(const std::string& what, const std::string& hint) {
    return {ErrorKind::kConflict, what + "; no claim was deleted, and no volume was swapped", hint};
}

// As soon as no pod mounts the claim, and no snapshot of it is being cut, which is looked at by itself.
bool let_go_by_the_cluster(const std::string& finalizer) {
    return finalizer == "kubernetes.io/pvc-protection" ||
           finalizer == "snapshot.storage.kubernetes.io/pvc-as-source-protection";
}

Status check_volumes(const SwapRecord& record, const SwapFacts& facts, const Swap& swap) {
    const Json* old = volume_now(facts, swap.old_volume);
    const std::string what = "pv/" + swap.old_volume + " of pvc/" + record.space + "/" + swap.claim;
    if (old == nullptr)
        return changed(what + " is gone: somebody deleted it, and there is nothing to be kept",
                       "end this with `abort`; what the storage may still have of it" +
                           (swap.old_storage.empty() ? std::string() : " (" + escape_line(swap.old_storage) + ")") +
                           " a PersistentVolume made by hand reaches");
    if (kube::deleting(*old))
        return changed(what + " is being deleted by somebody: it would not be kept when the claim lets go of it",
                       "end this with `abort`; its data is safe while the claim is there: snapshot it, and restore it "
                       "into a new claim");
    const auto incoming = record.incoming.find(swap.claim);
    const Json* made = incoming == record.incoming.end() ? nullptr : volume_now(facts, incoming->second.volume);
    if (made == nullptr || !kube::deleting(*made)) return {};
    return changed("pv/" + incoming->second.volume + ", which was to be put in, is being deleted by somebody",
                   "end this with `abort`, then begin again");
}

bool all_untouched(const SwapRecord& record, const SwapFacts& facts) {
    return std::all_of(record.swaps.begin(), record.swaps.end(),
                       [&](const Swap& swap) { return untouched(swap, facts); });
}

// What the claim asks for, where that is not what was decided with.
std::optional<Quantity> changed_request(const Swap& swap, const Json& claim) {
    const auto asks = kube::requested_of(claim), decided = kube::requested_of(swap.manifest);
    if (!asks.ok() || !decided.ok() || *asks == *decided) return std::nullopt;
    return *asks;
}

Status check_claim_now(const SwapRecord& record, const SwapFacts& facts, const Swap& swap) {
    const std::string what = "pvc/" + record.space + "/" + swap.claim;
    const Json& claim = *claim_now(facts, swap.claim);
    if (const auto asks = changed_request(swap, claim))
        return changed(what + " was changed meanwhile: it asks for " + asks->text() + ", not " +
                           kube::requested_of(swap.manifest)->text(),
                       "end this with `abort`, then begin again with what there is now");
    const std::string finalizer = foreign_finalizer(claim);
    if (finalizer.empty()) return {};
    return changed(what + " has got the finalizer " + escape_line(finalizer) +
                       " meanwhile: it may keep the claim from going away while the workload is stopped",
                   "wait until whoever set it takes it off, then go on");
}

// Replicas that came since have what the ones before them had: beside restored data it would be another history.
Status check_ordinals(const SwapRecord& record, const SwapFacts& facts) {
    if (!facts.workload || record.workload.ref.resource != kube::kStatefulSets) return {};
    std::set<int> covered;
    for (const Swap& swap : record.swaps) {
        if (swap.ordinal >= 0) covered.insert(swap.ordinal);
    }
    // One ordinal was meant by itself.
    if (covered.empty() || static_cast<int>(covered.size()) < record.workload.replicas || held_down(record, facts))
        return {};
    const kube::WorkloadState state = kube::workload_state_of(*facts.workload);
    const int last = state.start_ordinal + state.replicas - 1;
    if (last <= *covered.rbegin()) return {};
    return changed(record.workload.text() + " was scaled to " + std::to_string(state.replicas) +
                       " meanwhile: ordinals from " + std::to_string(*covered.rbegin() + 1) +
                       " on would stay on what they have, beside the data that is put in",
                   "scale it back, then go on; or end this with `abort`");
}

}  // namespace

std::string foreign_finalizer(const Json& claim) {
    for (const std::string& finalizer : kube::claim_state_of(claim).finalizers) {
        if (!let_go_by_the_cluster(finalizer)) return finalizer;
    }
    return "";
}

Status check_since(const SwapRecord& record, const SwapFacts& facts) {
    if (!all_untouched(record, facts)) return {};
    for (const Swap& swap : record.swaps) {
        TRY(check_volumes(record, facts, swap));
        TRY(check_claim_now(record, facts, swap));
    }
    return check_ordinals(record, facts);
}

void note_asked(SwapRecord& record, const SwapFacts& facts) {
    if (all_untouched(record, facts)) return;
    for (const Swap& swap : record.swaps) {
        if (!untouched(swap, facts)) continue;
        const auto asks = changed_request(swap, *claim_now(facts, swap.claim));
        const auto gets = Quantity::parse(swap.request);
        if (asks && gets.ok() && *gets < *asks) record.asked[swap.claim] = asks->text();
    }
}

std::string asked_meanwhile(const SwapRecord& record) {
    std::string text;
    for (const Swap& swap : record.swaps) {
        const auto asked = record.asked.find(swap.claim);
        if (asked == record.asked.end()) continue;
        const std::string what = "pvc/" + record.space + "/" + swap.claim;
        text += "WARNING: " + what + " was changed by somebody while other claims were being swapped: it asked for " +
                escape_line(asked->second) + " when it was deleted, and asks for " + swap.request +
                " now, as planned; to grow it: kubectl pvc-expand pvc/" + swap.claim + " -n " + record.space +
                " --size " + shell_quote(asked->second) + "\n";
    }
    return text;
}

std::string lost_volumes(const SwapRecord& record, const SwapFacts& facts) {
    std::vector<std::string> lost;
    for (const Swap& swap : record.swaps) {
        const Json* old = volume_now(facts, swap.old_volume);
        if (old != nullptr && !kube::deleting(*old)) continue;
        lost.push_back("pv/" + swap.old_volume + (old == nullptr ? " is gone" : " is being deleted") +
                       (swap.old_storage.empty() ? "" : " (" + escape_line(swap.old_storage) + ")"));
    }
    return join(lost, ", ");
}

}  // namespace holdfast::restore
