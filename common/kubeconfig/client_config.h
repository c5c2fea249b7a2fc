// Everything that is needed to reach one API server as one user, out of kubeconfig, flags and environment, as client-go
// makes it (tools/clientcmd: loader.go, client_config.go, overrides.go, validation.go).
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/os/environment.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::kubeconfig {

// kubectl's connection flags as typed. Unset means: not given ("" given counts as given where kubectl says so).
struct ConnectionFlags {
    std::optional<std::string> kubeconfig, context, cluster, user, space, server, token, username, password, as, as_uid,
        certificate_authority, client_certificate, client_key, tls_server_name, cache_dir, kuberc;
    std::vector<std::string> as_groups;
    std::vector<std::string> as_user_extra;  // key=value
    bool insecure_skip_tls_verify = false;
    bool disable_compression = false;
    std::string request_timeout = "0";
    // What kubeconfig and context were given by, for messages.
    const char* kubeconfig_flag = "--kubeconfig";
    const char* context_flag = "--context";
};

struct ExecPlugin {
    std::string api_version;
    std::string command;  // resolved: see loader
    std::string command_as_written;
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    std::string install_hint;
    bool provide_cluster_info = false;
    enum class Interactive { kNever, kIfAvailable, kAlways } interactive = Interactive::kIfAvailable;
    Json cluster_extension;  // null if there is none
    std::string proxy_url;   // kubeconfig's, as written: part of what provide_cluster_info tells
};

// kuberc: which credential plugins may run.
struct PluginPolicy {
    enum class Kind { kAllowAll, kDenyAll, kAllowlist } kind = Kind::kAllowAll;
    std::vector<std::string> allowlist;
};

struct ClientConfig {
    std::string server;  // scheme, host, port and path prefix; no trailing slash
    std::string tls_server_name;
    bool insecure = false;
    bool insecure_from_flag = false;  // --insecure-skip-tls-verify was given on the command line
    std::string ca_pem;               // "" : system trust
    std::string proxy;                // "" : none; http, https or socks5h URL (Go's rule, already decided for `server`)
    bool disable_compression = false;
    bool disable_http2 = false;
    std::chrono::milliseconds request_timeout{0};

    std::string client_cert_pem, client_key_pem;
    std::string token;
    std::string token_file;  // read again every minute; empty if --token was given
    std::string username, password;
    std::optional<ExecPlugin> exec;
    PluginPolicy plugin_policy;

    std::string as, as_uid;
    std::vector<std::string> as_groups;
    std::vector<std::pair<std::string, std::string>> as_extra;

    std::string space;  // the namespace in force
    bool space_from_flag = false;
    std::string context;                // name of the one in use, "" if none
    std::vector<std::string> warnings;  // for example a key file that others can read; no secret in them

    // For child kubectls: the arguments that choose the same files, context, namespace and impersonation. Secrets
    // (token, password) are never among them.
    std::vector<std::string> kubectl_arguments;
    // A kubeconfig (YAML) with exactly this identity, for a 0600 temporary file where flags hold secrets; "" if the
    // arguments suffice. The child then gets "--kubeconfig=FILE" and kubectl_arguments, which choose only the rest.
    std::string kubectl_kubeconfig;
};

// Reads files (at most 8 MiB each), never the network; runs no plugin. Errors are kUsage for flags (also a --context,
// --cluster or --user that names nothing), kRefused for what we will not do, kUnauthorized for an expired token, and
// kConnect with the reason "Kubeconfig" for everything that files have wrong: they name path, line and cause, no
// secret.
Result<ClientConfig> load_client_config(const ConnectionFlags& flags, const Environment& environment);

}  // namespace holdfast::kubeconfig
