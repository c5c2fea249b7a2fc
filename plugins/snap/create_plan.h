// The plan of `snap create`, decided from facts. Pure.
//
// Round 0: the set's ConfigMap (complete=false) -> --pre, --hold -> every VolumeSnapshot at once -> all cut -> --hold
// and
// --post let go, whatever happened. Round 1, with what only exists after the cut: the set becomes complete -> ready.
#pragma once

#include "common/copies/live_facts.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/plan/operation.h"
#include "common/plan/step.h"
#include "plugins/snap/create_options.h"
#include "plugins/snap/create_stopped.h"
#include "plugins/snap/shared.h"

#include <string>
#include <vector>

namespace holdfast::snap {

struct CutPlan {
    plan::Plan plan;
    kube::SnapshotSet set;                    // as it is known before the cut
    std::vector<std::string> volume_handles;  // what the storage calls the members' volumes, in their order
    // No snapshot of this operation was there before the hooks ran: what is cut now is cut while they hold.
    bool fresh = true;
    std::vector<Stopped> stopped;  // none: something may write during the cut
};
// kRefused and kLocked name the fact; nothing is changed by then.
Result<CutPlan> plan_cut(const LiveFacts& facts, const CreateOptions& options, const plan::Input& input);

// What is there after the cut.
struct CutFacts {
    Json set_object;                              // the set's ConfigMap
    std::vector<std::optional<Json>> snapshots;   // in the members' order
    std::vector<kube::SnapshotContent> contents;  // likewise; name "" : missing
    std::vector<std::string> volume_handles;      // of the volumes that were to be cut; likewise
};
// `consistency`: what was proven of the whole cut; "none" is nothing. kUnavailable: a snapshot is not cut after all;
// kConflict: one was replaced, or its claim was and it is of another volume.
Result<plan::Plan> plan_complete(const CutFacts& facts, kube::SnapshotSet set, const CreateOptions& options,
                                 const std::string& consistency, const kube::AppFacts& app);

// "the snapshot is", "the 3 snapshots are".
std::string all_snapshots_are(std::size_t count);

// Outputs of steps that round 1 reads.
inline constexpr char kAppOutput[] = "app";

}  // namespace holdfast::snap
