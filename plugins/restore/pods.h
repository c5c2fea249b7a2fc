// Throwaway pods: what they copy of the workload, and what they never do. Pure.
#pragma once

#include "common/kube/objects/placement.h"
#include "plugins/restore/source.h"

#include <string>
#include <vector>

namespace holdfast::restore {

// Puts a workload's placement into a pod spec: node selector, affinity, tolerations, spread, scheduler, runtime class,
// and the topology that the old volumes could be reached from. Never nodeName, which would pass by the scheduler
// (safety R15).
void place(Json& pod_spec, const kube::Placement& placement, const Json& topology);

// The topologies of all these members' old volumes at once.
Json topology_of(const std::vector<const Member*>& members);

// The pod whose only purpose is to be scheduled, so that a WaitForFirstConsumer claim binds (safety R15). Its container
// may never start. The claim is mounted read-only, without fsGroup: nothing on the volume changes.
struct Consumer {
    std::string name, space, claim;
    bool block = false;
    std::string image;
    Json resources;  // of the workload's container, null for none
};
Json consumer_manifest(const Consumer& consumer, const kube::Placement& placement, const Json& topology);

// What of a recorded security context a throwaway pod takes over: who it runs as and what it may not do, never
// privileges.
Json tame_pod_security(const Json& recorded);
Json tame_container_security(const Json& recorded);

}  // namespace holdfast::restore
