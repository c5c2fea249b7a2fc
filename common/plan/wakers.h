// Who would start a workload again while it is held down: GitOps controllers and KEDA (safety R17). An ordinary
// autoscaler rests while the replicas are 0.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/reader.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::plan {

// Whether the Flux object that looks after the workload is suspended; nullopt: not seen, by who may not see it, or on a
// cluster that is looked after from another one: then the user has to say it.
std::optional<bool> deployer_paused(kube::ClusterReader& reader, const Json& workload);

struct Wakers {
    std::vector<Json> autoscalers;  // of the namespace
    std::optional<bool> deployer_paused;
    bool gitops_paused = false;  // the user's word
};
// kRefused. workload: a StatefulSet or Deployment, called `what`. amid: what it would be started in the middle of, "the
// swap". Pure.
Status check_wakers(const std::string& what, const Json& workload, const Wakers& wakers, const std::string& amid);

}  // namespace holdfast::plan
