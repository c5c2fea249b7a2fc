// A set and what is there of it now: what create reports, describe shows and delete judges. Reading and rendering.
#pragma once

#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/reader.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::snap {

struct SetState {
    kube::SnapshotSet set;
    std::vector<std::optional<kube::Snapshot>> snapshots;  // in the members' order; nullopt: gone or replaced
    int ready = 0;
    // Members that cannot be restored yet, or any more: "vs/x".
    std::vector<std::string> not_ready;
};

Result<SetState> read_state(kube::ClusterReader& reader, kube::SnapshotSet set);

// The record without the workload's manifest, and each member's state: docs/schemas/set.json.
Json state_json(const SetState& state);

// "a, b and 3 more"
std::string some_of(const std::vector<std::string>& names, std::size_t most = 3);

}  // namespace holdfast::snap
