// Whether there is a node from which the volumes that are put in can be reached, looked at before the workload is
// stopped: a disk in a zone that has no node any more would leave its pods Pending for ever.
#pragma once

#include "common/kube/objects/node.h"
#include "common/kube/reader.h"
#include "plugins/restore/swap.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

// The nodes, if one of these volumes can be reached from some of them only; else none is asked for. nullopt: they may
// not be listed (the least role does not have that).
Result<std::optional<std::vector<kube::Node>>> gather_nodes(kube::ClusterReader& reader,
                                                            const std::vector<const Json*>& volumes);

struct Reach {
    std::string nowhere;             // which volumes no node can take, and where they can be reached; "" : none
    std::vector<std::string> notes;  // cordoned, tainted or not ready, or not looked at
};
// incoming: the volumes that are put in, by claim. workload: null for a claim by itself. What
// labels say is refused by, taints are warned of; room and pod affinity are the scheduler's.
Reach judge_reach(const SwapRecord& record, const std::map<std::string, Json>& incoming, const Json& workload,
                  const std::optional<std::vector<kube::Node>>& nodes);

}  // namespace holdfast::restore
