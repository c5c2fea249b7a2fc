// A claim that somebody deletes while it is to grow.
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/round_planner.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// While a workload is stopped its number says nothing of the claims that it is to have.
bool scaled_away(const Growth& growth, const ExpandRecord& record, const ExpandState& state) {
    const auto set = std::find_if(record.sets.begin(), record.sets.end(),
                                  [&](const Template& one) { return one.ref.name == growth.workload; });
    if (set == record.sets.end()) return false;
    if (std::any_of(record.stopped.begin(), record.stopped.end(), [&](const auto& one) { return one.ref == set->ref; }))
        return false;
    const Json* live = set_now(state, *set);
    const Json& counts = live == nullptr ? set->manifest : *live;
    const int start = kube::start_ordinal_of(counts);
    return growth.ordinal < start || growth.ordinal >= start + kube::replicas_of(counts);
}

}  // namespace

const Growth* deleted_claim(const ExpandRecord& record, const ExpandState& state) {
    const auto found = std::find_if(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
        return !growth.bears_only && !state.claims.contains(growth.claim) && !scaled_away(growth, record, state);
    });
    return found == record.claims.end() ? nullptr : &*found;
}

Error deleted_meanwhile(const Growth& growth, const ExpandRecord& record, const ExpandState& state,
                        const std::string& operation) {
    const bool going = state.going.contains(growth.claim);
    const bool through = std::all_of(record.sets.begin(), record.sets.end(), [&](const Template& set) {
        const Json* live = set_now(state, set);
        return live != nullptr && !kube::deleting(*live) && has_sizes(*live, set.sizes);
    });
    const char* sets = record.sets.empty()      ? ""
                       : through                ? "; all else is done"
                       : record.swapped.empty() ? "; no StatefulSet was replaced"
                                                : "; no other StatefulSet is replaced";
    const std::string abort = "kubectl pvc-expand abort " + operation + " -n " + record.space;
    return {
        ErrorKind::kConflict,
        "pvc/" + record.space + "/" + growth.claim + " was deleted meanwhile by somebody else: it " +
            (going ? "goes when the last pod that mounts it ends, and its data unless the volume is under Retain"
                   : "is gone, and its data with it unless its volume is under Retain") +
            sets,
        (going ? "copy its data out of that pod before it ends, if it is needed; "
               : "`kubectl get pv` shows a volume that is kept as Released, with " + record.space + "/" + growth.claim +
                     " as its claim; ") +
            ("once a new claim is in its place, the same command again grows that; to end this operation: " + abort),
        0, ""};
}

// Without it nothing is stopped, restarted or replaced, and it is not told as grown: a pod that ends would take a claim
// that goes with it. What is missing or down comes first, and what has been replaced gets back what belongs to it.
Status Rounds::check_claims(Stage stage) const {
    const bool brings_back = stage == Stage::kStart || stage == Stage::kReady || stage == Stage::kAdopt ||
                             stage == Stage::kNewcomers || !missing_sets(record_, state_).empty();
    const Growth* deleted = brings_back ? nullptr : deleted_claim(record_, state_);
    if (deleted == nullptr) return {};
    return deleted_meanwhile(*deleted, record_, state_, operation_);
}

}  // namespace holdfast::expand
