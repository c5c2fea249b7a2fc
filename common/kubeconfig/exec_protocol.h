// What a credential plugin is told and what it answers. Pure.
// Source: client-go pkg/apis/clientauthentication/v1/types.go, plugin/pkg/client/auth/exec/exec.go.
#pragma once

#include "common/core/duration.h"
#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::kubeconfig {

struct PluginReply {
    std::string token, client_cert_pem, client_key_pem;
    std::optional<SystemTime> expires;  // none: good for the life of the process
};

// The value of KUBERNETES_EXEC_INFO. REQUIRES: config.exec.
std::string exec_info(const ClientConfig& config, bool interactive);

// kUnauthorized: another version or kind than `api_version` asked for, neither token nor certificate and key,
// unreadable. No message holds what the plugin wrote.
Result<PluginReply> parse_reply(std::string_view output, const std::string& api_version);

}  // namespace holdfast::kubeconfig
