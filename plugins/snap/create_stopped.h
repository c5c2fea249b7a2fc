// Whether the workloads of a set stood still over the whole cut: nobody wrote, so the snapshots agree with each other.
#pragma once

#include "common/copies/live_facts.h"
#include "common/core/result.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/reader.h"
#include "plugins/snap/create_options.h"
#include "plugins/snap/shared.h"

#include <string>
#include <vector>

namespace holdfast::snap {

// A workload at 0 replicas, as it was before the cut.
struct Stopped {
    kube::ObjectRef ref;
    std::string uid;
    long long generation = 0;
};

// Every target, if all are StatefulSets or Deployments at 0 replicas and no pod uses their claims; else none. Claims
// that a selector chose may be anybody's: with one there is no answer. Pure.
std::vector<Stopped> stopped_before(const LiveFacts& facts, const CreateOptions& options);

// Looks again, after the cut: the same generation at 0 replicas means that nobody started the workload and stopped it
// again meanwhile.
Result<bool> stopped_still(kube::ClusterReader& reader, const std::string& space, const std::vector<Stopped>& before,
                           const std::vector<kube::SetMember>& members);

}  // namespace holdfast::snap
