// Which objects of its namespace a pod spec names. Pure.
// Source: kubernetes pkg/api/v1/pod/util.go VisitPodSecretNames, VisitPodConfigmapNames.
#pragma once

#include "common/core/json.h"

#include <set>
#include <string>

namespace holdfast::kube {

struct PodReferences {
    std::set<std::string> config_maps, secrets;
    std::string service_account;  // "" : the default one
};
// Those that the pod cannot start without; `optional`: those that are marked so, too.
PodReferences references_of(const Json& pod_spec, bool optional = false);

// What pods take from their ServiceAccount.
std::set<std::string> secrets_of_account(const Json& account);
// Certificates, and the Services that it sends to.
std::set<std::string> secrets_of_ingress(const Json& ingress);
std::set<std::string> services_of_ingress(const Json& ingress);

}  // namespace holdfast::kube
