// Whether a namespace's pod security level admits the clone's pods: a StatefulSet is created all the same, and then has
// no pods. Pure. Source: k8s.io/pod-security-admission/policy.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <string>

namespace holdfast::clone {

inline constexpr char kEnforcedLevel[] = "pod-security.kubernetes.io/enforce";  // label of a namespace

// level: the namespace's kEnforcedLevel, "" : none. kRefused names the level and what it does not allow. The checks
// that databases meet: privileges, the host's namespaces, paths and ports, capabilities; for restricted who they run
// as.
Status check_pod_security(const std::string& level, const std::string& space, const Json& pod_spec);
// The same of the throwaway database that prepares the data, which is as its source's container.
Status check_throwaway_security(const std::string& level, const std::string& space, const Json& pod_spec);

}  // namespace holdfast::clone
