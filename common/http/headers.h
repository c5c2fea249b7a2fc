// Header lines: those that say who we are, and those that a server sends. Pure.
#pragma once

#include "common/core/result.h"
#include "common/http/transport.h"
#include "common/kubeconfig/client_config.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Impersonation, as client-go's transport/round_trippers.go writes it. Sent over http too: it grants nothing by itself.
Headers impersonation_headers(const kubeconfig::ClientConfig& config);

// kInvalid: a name or value that would break out of its line (CR, LF, NUL, other control characters). The value is not
// in the message: it may be a token.
Status check_header(std::string_view name, std::string_view value);

// Collects the header lines of one reply, the status line first. A new status line (after 100 Continue) starts anew.
// Lines in all are at most 256 KiB and 1000.
class HeaderCollector {
  public:
    // False: over a limit, or no header line at all. The transfer must end then.
    bool add(std::string_view line, Response& response);

  private:
    std::size_t bytes_ = 0;
    std::size_t lines_ = 0;
};

}  // namespace holdfast::http
