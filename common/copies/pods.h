// Throwaway pods: what they copy of the workload, and what they never do. Pure.
#pragma once

#include "common/copies/source.h"
#include "common/kube/objects/placement.h"

#include <string>
#include <vector>

namespace holdfast::copies {

// Puts a workload's placement into a pod spec: node selector, affinity, tolerations, spread, scheduler, runtime class,
// and the topology that the old volumes could be reached from. Never nodeName, which would pass by the scheduler
// (safety R15).
void place(Json& pod_spec, const kube::Placement& placement, const Json& topology);

// The same without spread and pod affinity: these speak of the workload's labels, which no throwaway has.
kube::Placement without_pod_terms(kube::Placement placement);

// The topologies of all these members' old volumes at once.
Json topology_of(const std::vector<const Member*>& members);

// The pod whose only purpose is to be scheduled, so that a WaitForFirstConsumer claim binds (safety R15). Its container
// may never start. The claim is mounted read-only, without fsGroup: nothing on the volume changes.
struct Consumer {
    struct Mount {
        std::string claim;
        bool block = false;
    };
    std::string name, space;
    std::vector<Mount> claims;  // of one pod of the workload: their volumes must be reachable from one node
    std::string image;
    Json resources;  // of the workload's container, null for none
};
// Where nothing is recorded any image will do: the pod is only scheduled, and gone before it could run for long.
inline constexpr char kFallbackImage[] = "registry.k8s.io/pause:3.10";
Json consumer_manifest(const Consumer& consumer, const kube::Placement& placement, const Json& topology);

// What of a recorded security context a throwaway pod takes over: who it runs as and what it may not do, never
// privileges.
Json tame_pod_security(const Json& recorded);
Json tame_container_security(const Json& recorded);

}  // namespace holdfast::copies
