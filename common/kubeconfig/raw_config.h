// kubeconfig as it stands in files: plain values. Source: client-go tools/clientcmd/api/types.go, api/v1/types.go.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::kubeconfig {

using Extensions = std::map<std::string, Json>;

struct RawCluster {
    std::string server, tls_server_name, certificate_authority, proxy_url;
    std::string certificate_authority_data;  // bytes, not base64
    bool insecure = false;
    bool disable_compression = false;
    Extensions extensions;
    std::string origin;  // the file it came from; "" : flags
};

struct RawExec {
    std::string command, api_version, install_hint, interactive_mode;
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    bool has_args = false, has_env = false;  // given, though maybe empty: kubectl prints null otherwise
    bool provide_cluster_info = false;
    std::string command_as_written;  // before it was resolved against the file's directory
};

struct RawAuthProvider {
    std::string name;
    std::map<std::string, std::string> config;
};

struct RawUser {
    std::string client_certificate, client_key, token, token_file, username, password, as, as_uid;
    std::string client_certificate_data, client_key_data;  // bytes, not base64
    std::vector<std::string> as_groups;
    std::map<std::string, std::vector<std::string>> as_extra;
    std::optional<RawAuthProvider> auth_provider;
    std::optional<RawExec> exec;
    Extensions extensions;
    std::string origin;
};

struct RawContext {
    std::string cluster, user, space;
    Extensions extensions;
    std::string origin;
};

struct RawConfig {
    std::map<std::string, RawCluster> clusters;
    std::map<std::string, RawUser> users;
    std::map<std::string, RawContext> contexts;
    std::string current_context;
    bool preferences_colors = false;
    Extensions preferences_extensions, extensions;
};

// decode.cpp: kInvalid names the field ("clusters[1].cluster.server: a string is expected"); values are never quoted.
Result<RawConfig> decode_config(const Json& document, const std::string& origin);

// encode.cpp: the form of `kubectl config view -o json`. What goes to a file of ours or to a test; it holds secrets.
Json encode_config(const RawConfig& config);

}  // namespace holdfast::kubeconfig
