// What an operation locks: the owning workload, whatever the operation and whatever the uid (safety R1), so that two
// commands that touch the same data exclude each other.
#pragma once

#include "common/kube/reader.h"

#include <string>
#include <vector>

namespace holdfast::plan {

struct Lock {
    kube::ObjectRef workload;
    std::string uid;  // when it was locked; "" : it did not exist

    friend bool operator==(const Lock&, const Lock&) = default;
};

// The Lease that stands for a workload: its name is a hash of namespace, resource and name.
kube::ObjectRef lock_lease(const kube::ObjectRef& workload);

// The locks for these targets, each once, in the order in which everybody takes them. A claim stands for the workloads
// whose claim templates, pod template or pods use it; for itself if there are none. A pod stands for its controller
// (a ReplicaSet's Deployment), for its claims if it has none.
Result<std::vector<Lock>> resolve_locks(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& targets);

}  // namespace holdfast::plan
