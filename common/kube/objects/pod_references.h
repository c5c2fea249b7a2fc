// Which objects of its namespace a pod spec cannot start without. Pure.
// Source: kubernetes pkg/api/v1/pod/util.go VisitPodSecretNames, VisitPodConfigmapNames.
#pragma once

#include "common/core/json.h"

#include <set>
#include <string>

namespace holdfast::kube {

struct PodReferences {
    std::set<std::string> config_maps, secrets;  // without those that are marked optional
    std::string service_account;                 // "" : the default one
};
PodReferences references_of(const Json& pod_spec);

}  // namespace holdfast::kube
