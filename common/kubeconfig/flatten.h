// File references replaced by what the files hold. Source: client-go tools/clientcmd/api/helpers.go (FlattenConfig).
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/raw_config.h"

#include <functional>
#include <string>

namespace holdfast::kubeconfig {

// How a file is read: load.cpp gives the real one (8 MiB at most).
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// Paths must be absolute. kInvalid: a file together with its data, or a file that cannot be read; names path and cause.
Status flatten(RawCluster& cluster, const std::string& name, const ReadFile& read);
Status flatten(RawUser& user, const std::string& name, const ReadFile& read);
Status flatten(RawConfig& config, const ReadFile& read);

}  // namespace holdfast::kubeconfig
