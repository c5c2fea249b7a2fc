// The API server's address. Pure. Source: client-go rest/url_utils.go (DefaultServerURL), clientcmd/client_config.go.
#pragma once

#include "common/core/result.h"

#include <string>

namespace holdfast::kubeconfig {

struct ServerUrl {
    std::string text;  // scheme://host[:port][/prefix], no slash at the end, no query, no fragment
    std::string host;  // without brackets
    bool https = false;
};

// A URL, or host[:port], which means plain HTTP whatever else is set: so does kubectl (tried with 1.36; it decides
// before it looks at certificates). kInvalid: neither, another scheme than http and https, or a user name in it.
Result<ServerUrl> parse_server(const std::string& server);

}  // namespace holdfast::kubeconfig
