// What is left of auth-provider: a still valid id-token of "oidc". Pure.
// Source: client-go plugin/pkg/client/auth/oidc/oidc.go.
#pragma once

#include "common/core/duration.h"
#include "common/core/result.h"
#include "common/kubeconfig/raw_config.h"

#include <string>

namespace holdfast::kubeconfig {

// The id-token, if it is valid for 10 s more. Refreshing it would mean writing kubeconfig, which we do not do:
// kUnauthorized, naming the exec plugin that does. kInvalid: another provider, or no id-token.
Result<std::string> oidc_token(const RawAuthProvider& provider, SystemTime now);

}  // namespace holdfast::kubeconfig
