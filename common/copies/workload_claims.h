// Which claims belong to a workload: the one place that knows how a StatefulSet names them. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/resource.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::copies {

struct WorkloadClaim {
    std::string name;
    std::string claim_template;  // "" : mounted by name
    int ordinal = -1;
};

// Claims that the workload has to have now. A StatefulSet: TEMPLATE-NAME-ORDINAL for start..start+replicas; a
// Deployment: what its template mounts; a pod: what it mounts; a claim: itself.
std::vector<WorkloadClaim> claims_of(const kube::Resource& kind, const Json& object);

// Reads TEMPLATE-NAME-ORDINAL of a StatefulSet; nullopt if `claim` is none of its own.
std::optional<WorkloadClaim> stateful_claim(const Json& stateful_set, const std::string& claim);

// Claims that the pod template mounts by name (not of volumeClaimTemplates), sorted.
std::vector<std::string> mounted_by_name(const kube::Resource& kind, const Json& object);

// The pod spec of a workload: its template's, or the pod's own; nullptr for a claim.
const Json* pod_spec_of(const kube::Resource& kind, const Json& object);

}  // namespace holdfast::copies
