// The context, cluster and user in force: kubeconfig with kubectl's flags laid over it. Pure.
// Source: client-go tools/clientcmd/client_config.go (getContext, getCluster, getAuthInfo), cli-runtime
// config_flags.go.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"
#include "common/kubeconfig/raw_config.h"

#include <string>

namespace holdfast::kubeconfig {

struct Selection {
    std::string context_name, cluster_name, user_name;  // "" : none
    bool context_exists = false;
    RawContext context;
    RawCluster cluster;
    RawUser user;
    bool token_from_flag = false;
    bool space_from_flag = false;
};

// `default_server` is what a cluster without server gets. Flag values that are "" count as not given, as in kubectl.
// kUsage: --context, --cluster or --user names nothing, or --as-user-extra is no key=value.
Result<Selection> select(const RawConfig& config, const ConnectionFlags& flags, const std::string& default_server,
                         const std::string& working_directory);

// "ns/x", "namespace/x" and "namespaces/x" mean x.
std::string without_namespace_prefix(const std::string& text);

}  // namespace holdfast::kubeconfig
