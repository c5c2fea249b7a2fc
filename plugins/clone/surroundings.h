// What lies around a clone's workload: whatever could select its pods, take its names, or be missing when they start.
#pragma once

#include "common/kube/objects/pod_references.h"
#include "common/kube/objects/selectors.h"
#include "common/kube/reader.h"
#include "plugins/clone/clone_options.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::clone {

struct Surroundings {
    std::vector<Json> there;      // of the clone's namespace: services, policies, budgets, workloads, pods, autoscalers
    std::vector<Json> services;   // of the source's namespace
    std::vector<Json> policies;   // network policies of the source's namespace; none where they may not be seen
    kube::PodReferences missing;  // of what the pods need there
    std::map<std::string, Json> config_maps, secrets;  // that are to be copied, as the source has them, by name
    std::vector<kube::NamedSelector>
        far;                          // terms of the source's pods about those of the clone's namespace, another one
    std::set<std::string> kept;       // "secret/x": of those that are to be copied the namespace has one already
    std::string level, source_level;  // pod-security.kubernetes.io/enforce of both namespaces

    // Every selector of what is not the clone's own, and those of the source that reach there.
    std::vector<kube::NamedSelector> selectors(const CloneOptions& options, const std::string& operation) const;
};

// kRefused: a Secret or ConfigMap that is to be copied is not there.
// here: the source's cluster; there: the clone's.
Result<Surroundings> gather_surroundings(kube::ClusterReader& here, kube::ClusterReader& there,
                                         const CloneOptions& options, const Json& workload,
                                         const std::string& operation);

}  // namespace holdfast::clone
