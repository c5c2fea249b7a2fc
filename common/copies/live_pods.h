// What the workload's pods say about it: where hooks run, how containers are made, what a database says of itself.
// Pure.
#pragma once

#include "common/copies/cut_request.h"
#include "common/copies/live_facts.h"
#include "common/kube/objects/snapshot_set.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::copies {

struct Place {
    std::string pod, pod_uid, container;
    std::vector<std::string> mounts;  // where the container has the members' volumes
};

// One place a pod that mounts a member, in the pods' natural order (postgres-2 before postgres-10). kRefused: a pod is
// not running, there is none at all, --container is in none of them.
Result<std::vector<Place>> hook_places(const LiveFacts& facts, const CutRequest& options,
                                       const std::vector<kube::SetMember>& members);

// The first member's pod, if it runs and a container in it looks like Postgres (image or environment).
std::optional<Place> database_place(const LiveFacts& facts, const std::vector<kube::SetMember>& members);
// Prints what parse_app reads, and nothing where no data directory is found; ends with 0 in any case.
std::vector<std::string> app_command(const Place& place);
kube::AppFacts parse_app(const std::string& output);

// Containers as the first workload's template has them, or as the pod that mounts the first member; image ids of the
// first running pod.
std::vector<kube::ContainerFacts> containers_of(const LiveFacts& facts, const CutRequest& options,
                                                const std::vector<kube::SetMember>& members);

// Pods that mount a member, in natural order.
std::vector<const Json*> pods_of(const LiveFacts& facts, const std::vector<kube::SetMember>& members);

}  // namespace holdfast::copies
