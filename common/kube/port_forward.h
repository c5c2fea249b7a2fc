// Ports of pods on this machine's loopback by `kubectl port-forward`, begun again when they break: kubectl ends at the
// first lost connection.
#pragma once

#include "common/kube/kubectl.h"
#include "common/os/clock.h"
#include "common/os/signals.h"
#include "common/plan/actors.h"
#include "common/plan/operation.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace holdfast::kube {

// The local port in "Forwarding from 127.0.0.1:41763 -> 5432"; nullopt for any other line. Pure.
std::optional<int> forwarded_port(const std::string& line);

// One child kubectl that forwards one port. Destroying it ends it.
class PortForward {
  public:
    // Up when kubectl says so, else an error: kNotFound (no such pod), kUnavailable (not running yet, or the port
    // taken), kTimeout. local 0: any free port.
    static Result<PortForward> start(const Kubectl& kubectl, const std::string& space, const std::string& pod,
                                     int remote, int local, std::chrono::milliseconds timeout);
    int local_port() const { return local_port_; }
    bool running() { return child_->running(); }
    // Takes what kubectl printed in `timeout`, so that its pipe never fills; what it is is of no interest.
    void drain(std::chrono::milliseconds timeout);
    std::string error_output() { return child_->error_output(); }

  private:
    PortForward(std::unique_ptr<Child> child, int local_port) : child_(std::move(child)), local_port_(local_port) {}
    std::unique_ptr<Child> child_;
    int local_port_ = 0;
};

// Keeps forwards for the SQL of an operation and serves the user between two rounds.
class PortForwarder : public plan::Attendant {
  public:
    // All must outlive it.
    PortForwarder(const Kubectl& kubectl, Clock& clock, const Signals& signals)
        : kubectl_(kubectl), clock_(clock), signals_(signals) {}

    // A local port that leads there: the one that is up already, else a new one.
    Result<int> local_port(const std::string& space, const std::string& pod, int port,
                           std::chrono::milliseconds timeout);
    // Ends that forward, so that the next local_port() makes a new one: after a connection through it failed.
    void drop(const std::string& space, const std::string& pod, int port);

    Status serve(const std::string& space, const std::string& pod, int port,
                 const std::function<void(int)>& announce) override;

  private:
    using Key = std::tuple<std::string, std::string, int>;
    const Kubectl& kubectl_;
    Clock& clock_;
    const Signals& signals_;
    std::map<Key, std::unique_ptr<PortForward>> open_;
};

}  // namespace holdfast::kube
