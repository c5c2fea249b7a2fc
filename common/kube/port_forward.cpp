#include "common/kube/port_forward.h"

#include "common/core/text.h"

#include <charconv>

namespace holdfast::kube {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartLimit{15000};
constexpr milliseconds kLook{200};   // how soon a signal is seen while serving
constexpr int kRestartsInARow = 10;  // without a second of life between them

std::string place(const std::string& space, const std::string& pod, int port) {
    return "port-forward to pod/" + space + "/" + pod + " port " + std::to_string(port);
}

}  // namespace

std::optional<int> forwarded_port(const std::string& line) {
    constexpr std::string_view kPrefix = "Forwarding from 127.0.0.1:";
    if (!starts_with(line, kPrefix)) return std::nullopt;
    int port = 0;
    const auto [end, error] = std::from_chars(line.data() + kPrefix.size(), line.data() + line.size(), port);
    if (error != std::errc() || port < 1 || port > 65535 ||
        !starts_with(std::string_view(end, line.data() + line.size()), " ->")) {
        return std::nullopt;
    }
    return port;
}

Result<PortForward> PortForward::start(const Kubectl& kubectl, const std::string& space, const std::string& pod,
                                       int remote, int local, milliseconds timeout) {
    const std::string ports = (local == 0 ? "" : std::to_string(local)) + ":" + std::to_string(remote);
    TRY_ASSIGN(auto child, start_command(kubectl.command(
                               {"port-forward", "--namespace=" + space, "--address=127.0.0.1", "pod/" + pod, ports})));
    while (true) {  // bounded: read_line ends with a line, the child's end, or kTimeout
        auto line = child->read_line(timeout);
        if (!line.ok()) return line.error().with_context(place(space, pod, remote));
        if (!line->has_value()) return kubectl_error(place(space, pod, remote), child->error_output());
        if (const auto port = forwarded_port(**line)) return PortForward(std::move(child), *port);
    }
}

void PortForward::drain(milliseconds timeout) {
    auto line = child_->read_line(timeout);
    while (line.ok() && line->has_value()) line = child_->read_line(milliseconds(0));
}

Result<int> PortForwarder::local_port(const std::string& space, const std::string& pod, int port,
                                      milliseconds timeout) {
    const Key key{space, pod, port};
    const auto found = open_.find(key);
    if (found != open_.end()) {
        found->second->drain(milliseconds(1));
        if (found->second->running()) return found->second->local_port();
        open_.erase(found);
    }
    TRY_ASSIGN(PortForward made, PortForward::start(kubectl_, space, pod, port, 0, std::min(timeout, kStartLimit)));
    const int local = made.local_port();
    open_[key] = std::make_unique<PortForward>(std::move(made));
    return local;
}

void PortForwarder::drop(const std::string& space, const std::string& pod, int port) {
    open_.erase(Key{space, pod, port});
}

Status PortForwarder::serve(const std::string& space, const std::string& pod, int port,
                            const std::function<void(int)>& announce) {
    const int signals_before = signals_.count();
    int local = 0, failures = 0;
    while (signals_.count() == signals_before) {
        // The same local port as before, so that the line which was announced stays true.
        auto forward = PortForward::start(kubectl_, space, pod, port, local, kStartLimit);
        if (!forward.ok()) {
            if (signals_.count() != signals_before) break;
            const ErrorKind kind = forward.error().kind;
            if (kind == ErrorKind::kNotFound || kind == ErrorKind::kForbidden || ++failures >= kRestartsInARow) {
                return Error{ErrorKind::kUnavailable, forward.error().message, forward.error().hint, 0, ""};
            }
            if (failures > 2) local = 0;  // someone else may have taken it
            clock_.sleep_for(milliseconds(100) * failures);
            continue;
        }
        announce(forward->local_port());
        local = forward->local_port();
        const auto up = clock_.steady_now();
        while (signals_.count() == signals_before && forward->running()) forward->drain(kLook);
        failures = clock_.steady_now() - up < std::chrono::seconds(1) ? failures + 1 : 0;
        if (failures >= kRestartsInARow) return kubectl_error(place(space, pod, port), forward->error_output());
    }
    return {};
}

}  // namespace holdfast::kube
