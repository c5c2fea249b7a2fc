// The steps of load_client_config, for tests and for those who need only the first ones.
#pragma once

#include "common/core/duration.h"
#include "common/kubeconfig/client_config.h"
#include "common/kubeconfig/flatten.h"
#include "common/kubeconfig/raw_config.h"

#include <string>
#include <vector>

namespace holdfast::kubeconfig {

struct MergedFiles {
    RawConfig config;                   // merged, paths absolute
    std::vector<std::string> searched;  // every path that was looked at
    bool any_found = false;
    bool any_piped = false;  // one was a pipe, which nobody can read a second time
};

// --kubeconfig, else KUBECONFIG, else ~/.kube/config.
Result<MergedFiles> load_files(const ConnectionFlags& flags, const Environment& environment);

// At most 8 MiB.
Result<std::string> read_limited(const std::string& path);

constexpr const char* kServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

// load_client_config, with what it takes from the world as arguments.
Result<ClientConfig> load_client_config(const ConnectionFlags& flags, const Environment& environment, SystemTime now,
                                        const std::string& service_account_directory);

}  // namespace holdfast::kubeconfig
