// What time it is where the cluster is. Whoever works from a laptop may have a clock that is hours off; the API server
// says its own in the Date header of every answer.
#pragma once

#include "common/core/duration.h"
#include "common/http/transport.h"
#include "common/os/clock.h"

#include <memory>
#include <mutex>
#include <optional>

namespace holdfast::kube {

class Dated : public http::Transport {
  public:
    // clock: only its steady time counts, from the last answer on.
    Dated(std::unique_ptr<http::Transport> inner, Clock& clock) : inner_(std::move(inner)), clock_(clock) {}

    Result<http::Response> send(const http::Request& request) override;
    std::vector<Result<http::Response>> send_all(const std::vector<http::Request>& requests,
                                                 const Done& on_done = {}) override;
    Result<std::unique_ptr<http::Stream>> open(const http::Request& request) override;

    // To the second. nullopt: no answer has said it yet, or none that could be read.
    std::optional<SystemTime> now();

  private:
    struct Said {
        SystemTime time;
        std::chrono::steady_clock::time_point at;  // when we were told
    };
    void look_at(const http::Response& response);

    std::unique_ptr<http::Transport> inner_;
    Clock& clock_;
    std::mutex mutex_;  // a list's next page is fetched beside everything else
    std::optional<Said> said_;
};

}  // namespace holdfast::kube
