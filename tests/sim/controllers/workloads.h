// What StatefulSets and Deployments share: pods made of a template.
#pragma once

#include "tests/sim/sim.h"

namespace holdfast::sim {

Json owner_of(const Json& object);  // ownerReferences of what the object controls
Json pod_of(Sim& sim, const Json& workload, const std::string& name);
bool is_ready(const Json& pod);                                   // Running, with the condition Ready
bool has_condition(const Json& status, const std::string& type);  // of a pod's status

}  // namespace holdfast::sim
