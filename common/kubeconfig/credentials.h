// Who we are, request by request: a token file is read again each minute, a credential plugin runs when there is
// nothing valid yet and after a 401. Source: client-go transport/token_source.go, plugin/pkg/client/auth/exec/exec.go.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"
#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/os/environment.h"
#include "common/os/signals.h"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::kubeconfig {

// What goes with one request. Nothing of it may be printed.
struct Credential {
    std::string authorization;    // value of the Authorization header ("Bearer ...", "Basic ..."), "" : send none
    std::string client_cert_pem;  // both or neither
    std::string client_key_pem;
    int certificate_generation =
        0;  // grows when the certificate changes: connections that were made with the old one are closed
};

// Not thread-safe: one owner asks before it sends. What it was made with must outlive it.
class Credentials {
  public:
    virtual ~Credentials() = default;

    // The credential of now. The first call, or one after the expiry, may run the plugin: it waits for it at most 60 s
    // (10 minutes with a terminal; --request-timeout if that is set), and ends on a second signal.
    // kUnauthorized: plugin missing, denied by policy, failed, silent, too loud or wrong; no token file.
    // kInterrupted. No error text holds what a plugin or a token file contained.
    virtual Result<Credential> current() = 0;

    // The server said 401 to `used`. True: current() is different now and the request may be sent once more. False:
    // there is nothing newer. Errors as current().
    virtual Result<bool> refresh(const Credential& used) = 0;
};

// `signals` may be null; `environment` is not needed afterwards. Nothing is read or run yet.
std::unique_ptr<Credentials> make_credentials(const ClientConfig& config, const Environment& environment, Clock& clock,
                                              const Console& console, const Signals* signals);

}  // namespace holdfast::kubeconfig
