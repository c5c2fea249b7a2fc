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

// One identity for several connections, each for one thread: a credential plugin runs once for all of them.
class Connector {
  public:
    virtual ~Connector() = default;
    // No request is made yet. Server warnings (HTTP header Warning: 299) go to console.err as "Warning: text", each
    // text once; signals end its waits. limit: for each request, and for all of its retries; 0: what --request-timeout
    // says. The connector, signals and console must outlive the cluster.
    virtual Result<std::unique_ptr<Cluster>> connect(const Signals& signals, Console& console,
                                                     std::chrono::milliseconds limit) = 0;
};
// The objects given must outlive the connector; config is copied.
std::unique_ptr<Connector> make_connector(const kubeconfig::ClientConfig& config, const ClientOptions& options,
                                          Clock& clock, const Console& console, const Signals& signals);

}  // namespace holdfast::kube
