// The names that kubeconfig offers for --context, --cluster and --user: for completion.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"

#include <string>
#include <vector>

namespace holdfast::kubeconfig {

struct ConfigNames {
    std::vector<std::string> contexts, clusters, users;
};

// Of the files that `flags` and `environment` choose. Reads files, runs nothing.
Result<ConfigNames> config_names(const ConnectionFlags& flags, const Environment& environment);

}  // namespace holdfast::kubeconfig
