// Cluster over a Transport: requests made, replies judged, pages followed, preconditions sent. Waiting for Retry-After
// is the transport's (wrappers/retry.h); nothing here sends a write twice.
#pragma once

#include "common/http/transport.h"
#include "common/kube/cluster.h"
#include "common/kube/warnings.h"
#include "common/os/clock.h"

#include <memory>
#include <string>

namespace holdfast::kube {

// clock and console must outlive it.
std::unique_ptr<Cluster> make_client(std::unique_ptr<http::Transport> transport, std::string field_manager,
                                     Clock& clock, Console& console);

}  // namespace holdfast::kube
