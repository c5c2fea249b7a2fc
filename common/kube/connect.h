// From flags and kubeconfig to a Cluster that speaks HTTPS.
#pragma once

#include "common/core/result.h"
#include "common/kube/cluster.h"
#include "common/kubeconfig/client_config.h"
#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/os/signals.h"

#include <chrono>
#include <memory>
#include <string>

namespace holdfast::kube {

struct ClientOptions {
    std::string binary;  // "kubectl-snap": field manager and User-Agent
    std::string version;
    bool warnings_as_errors = false;     // any server warning makes the command fail at its end (exit 1)
    std::chrono::milliseconds stall{0};  // how long a silent server is waited for, between 5 and 90 s; 0: 90 s
};

// No request is made yet. The objects given must outlive the cluster. Server warnings (HTTP header Warning: 299) go to
// console.err as "Warning: text", each text once.
Result<std::unique_ptr<Cluster>> connect(const kubeconfig::ClientConfig& config, const ClientOptions& options,
                                         Clock& clock, Console& console, const Signals& signals);

}  // namespace holdfast::kube
