// Kinds whose controllers take up what is nobody's and their selector chooses: all that use kubernetes
// pkg/controller/controller_ref_manager.go, but for Deployments, which take up ReplicaSets alone.
#pragma once

#include "common/kube/resource.h"

#include <vector>

namespace holdfast::kube {

extern const Resource kReplicationControllers;  // of which nothing else is wanted here
std::vector<const Resource*> adopting_resources();

}  // namespace holdfast::kube
