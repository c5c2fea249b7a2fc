// What the cluster shows of a swap of volumes at one moment, and how far it has come. Gathered anew for every round, so
// that a first run and a resume decide by the same facts.
#pragma once

#include "common/kube/reader.h"
#include "plugins/restore/swap.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::restore {

struct SwapFacts {
    std::optional<Json> workload;         // nullopt: it is gone, or there is none
    std::map<std::string, Json> claims;   // those whose volumes are swapped and the temporary ones, by name
    std::map<std::string, Json> volumes;  // old and incoming, by name
    // Temporary claims that were bound to a volume that was there before, and that volume: nothing of ours is on it.
    std::map<std::string, std::string> strangers;
    std::vector<Json> pods;                // of the namespace, those that mount one of the claims
    std::vector<Json> provers;             // throwaway pods of this operation
    std::vector<std::string> attachments;  // VolumeAttachments of old volumes, by name
    // uids of the namespace's snapshots, which are looked at only before new volumes are given up (gather_snapshots);
    // nullopt: not yet.
    std::optional<std::set<std::string>> snapshots;
};

// What there is of `refs`, by name; one that does not exist is left out.
Status read_into(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& refs,
                 std::map<std::string, Json>& into);

// Reads everything afresh; adds to the record the incoming volumes of temporary claims that are bound by now.
Result<SwapFacts> gather_swap(kube::ClusterReader& reader, SwapRecord& record, const std::string& operation);
// The same also when the workload was deleted or made anew: it is not there then.
Result<SwapFacts> gather_without_workload(kube::ClusterReader& reader, SwapRecord& record,
                                          const std::string& operation);
// Which snapshots there are still. Who may not see it is told of none: what is kept for nothing is no loss.
Status gather_snapshots(kube::ClusterReader& reader, const SwapRecord& record, SwapFacts& facts);
// The new volume is the last copy of what the snapshot held.
bool last_copy(const Swap& swap, const SwapFacts& facts);

// Of an undo: a kept volume that was to be put in is gone, which nothing makes anew (of a restore in place, the
// snapshot does).
bool lost_kept(const SwapRecord& record, const SwapFacts& facts);
// The claim is on the volume that it had when the operation began, as then or made anew for it.
bool on_old(const Swap& swap, const SwapFacts& facts);
// So are all of them, after a kept volume was lost: nothing of the undo is left but its marks.
bool turned_back(const SwapRecord& record, const SwapFacts& facts);

// How far it is. Each stage is a round of its own: what the next one decides it has read after this one's writes.
enum class Stage {
    kProve,    // temporary claims from the snapshots, and pods that look at what is on them (R7)
    kSecure,   // Retain on every volume and in the StatefulSet, no owner of a claim (R11)
    kStop,     // replicas down, the old number written beside it
    kDrain,    // pods and attachments gone (R12)
    kReserve,  // each incoming volume is the named claim's, and the binder has seen it (R9)
    kReplace,  // the claims deleted and made anew; then scaled up
    kFinish,   // ready; policies as they were
};
Stage stage_of(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);

// Single questions, for stages, recoveries and reports.
const Json* claim_now(const SwapFacts& facts, const std::string& name);
const Json* volume_now(const SwapFacts& facts, const std::string& name);
bool untouched(const Swap& swap, const SwapFacts& facts);  // the claim is still the old one on the old volume
bool swapped(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// Somebody has deleted the claim and made another one of its name, which has neither the old volume nor the incoming
// one: a replica was built anew.
bool remade(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// The claim was made anew for an incoming volume that was deleted before the two were bound: nothing is on it, and it
// waits for ever.
bool stranded(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// Somebody has deleted the claim while its workload runs: it goes when its pod ends, or is gone with its volume.
// Whatever comes in its place is theirs.
bool dropped(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// The incoming volume is the claim's, or was until somebody deleted that claim.
bool put_in(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// An abort has given up an incoming volume, and the workload runs: on what somebody rebuilds now nothing of ours
// depends, even where it got an incoming volume that was still reserved for its name.
bool half_back(const SwapRecord& record, const SwapFacts& facts);
// Every claim was swapped and the workload runs, whatever has befallen its claims since.
bool over(const SwapRecord& record, const SwapFacts& facts);
// The incoming volume is its claim's, or the named claim's whoever makes it, and the binder has seen that.
bool reserved(const Swap& swap, const SwapRecord& record, const SwapFacts& facts);
// A claim is on its incoming volume, or may have been deleted for it: that is done only once every old volume is
// marked.
bool beyond_return(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);
bool held_down(const SwapRecord& record,
               const SwapFacts& facts);  // by what stopping has written beside it, or into the journal

}  // namespace holdfast::restore
