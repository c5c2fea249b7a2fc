// What a throwaway pod copies of a workload's pod template, and which labels a selector picks. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>

namespace holdfast::kube {

// Where the pods of a workload may run and what they ask for: what a throwaway pod copies, so that it lands where the
// workload could. From a pod spec, or null for an empty one.
struct Placement {
    Json node_selector, affinity, tolerations, spread;  // null where the spec has none
    std::string scheduler, runtime_class;
    std::map<std::string, Json> resources;  // container -> resources
};
Placement placement_of(const Json& pod_spec);
// The pod spec in a workload's manifest (a pod is its own workload), or null.
Json pod_spec_of_workload(const Json& workload);

// Where both lists of node selector terms allow. Terms within a list are alternatives, so the answer has every pair of
// them. null or empty stands for "anywhere".
Json both_topologies(const Json& terms, const Json& other_terms);
// False: no node can be in both, since each pair of terms asks for different values of a label. Operators but "In" are
// taken to allow it.
bool topologies_meet(const Json& terms, const Json& other_terms);

// Whether a Service's or a controller's selector of equal labels would pick these labels; an empty one picks nothing
// here.
bool selects(const Json& selector, const std::map<std::string, std::string>& labels);
// A Service's selector, an empty object if it has none.
Json service_selector_of(const Json& service);

// A literal environment value; "" if it is missing, comes from elsewhere, or was replaced by a hash when it was
// recorded.
std::string literal_env(const Json& env, const std::string& name);

}  // namespace holdfast::kube
