// Waiting when the server asks for it, exactly as client-go does (rest/with_retry.go, rest/request.go): a 429 or 5xx
// *with* an integer Retry-After is sent again after that time, whatever the verb, since the server says that it did
// nothing; a connection that broke is tried again after 1 s for GET only. Ten times at most. A write whose answer was
// lost is never sent again.
#pragma once

#include "common/http/transport.h"
#include "common/os/clock.h"
#include "common/os/signals.h"

#include <chrono>
#include <memory>

namespace holdfast::kube {

// budget: all waiting for one request together (--request-timeout, or 2 minutes). A server that asks for more gets no
// second request: its answer is given as it is. References must outlive it. A signal during a wait ends it with
// kInterrupted.
std::unique_ptr<http::Transport> make_retry(http::Transport& inner, Clock& clock, const Signals& signals,
                                            std::chrono::milliseconds budget);

}  // namespace holdfast::kube
