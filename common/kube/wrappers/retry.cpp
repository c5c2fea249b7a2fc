#include "common/kube/wrappers/retry.h"

#include "common/core/log.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace holdfast::kube {

namespace {

using std::chrono::milliseconds;

constexpr int kRetriesMax = 10;
constexpr milliseconds kPauseAfterReset{1000};
constexpr long long kSecondsMax = 1000000000;

// How long to wait before the same request may be sent again; nullopt: it is final.
std::optional<milliseconds> wait_of(const http::Response& response) {
    if (response.status != 429 && response.status < 500) return std::nullopt;
    const std::string text = response.header("retry-after").value_or("");
    long long seconds = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || failed != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
    return milliseconds(std::min(seconds, kSecondsMax) * 1000);
}

std::optional<milliseconds> wait_of(const http::Request& request, const Result<http::Response>& answer) {
    if (answer.ok()) return wait_of(*answer);
    if (answer.error().kind == ErrorKind::kUnavailable && request.method == "GET") return kPauseAfterReset;
    return std::nullopt;
}

// The waits of one request, or of one batch that waits together.
class Budget {
  public:
    Budget(Clock& clock, const Signals& signals, milliseconds limit)
        : clock_(clock), signals_(signals), end_(clock.steady_now() + limit) {}

    bool allows(milliseconds wait) const { return tries_ < kRetriesMax && clock_.steady_now() + wait <= end_; }
    // False: a signal came.
    bool spend(milliseconds wait) {
        ++tries_;
        const int before = signals_.count();
        const auto until = clock_.steady_now() + wait;
        while (clock_.steady_now() < until) {
            if (signals_.count() != before) return false;
            clock_.sleep_for(std::chrono::ceil<milliseconds>(until - clock_.steady_now()));
        }
        return true;
    }

  private:
    Clock& clock_;
    const Signals& signals_;
    std::chrono::steady_clock::time_point end_;
    int tries_ = 0;
};

const Error kStopped{ErrorKind::kInterrupted, "interrupted while waiting because the API server asked for it", "", 0,
                     ""};

class Retry : public http::Transport {
  public:
    Retry(http::Transport& inner, Clock& clock, const Signals& signals, milliseconds budget)
        : inner_(inner), clock_(clock), signals_(signals), budget_(budget) {}

    Result<http::Response> send(const http::Request& request) override {
        return std::move(send_all({request}, {}).front());
    }

    std::vector<Result<http::Response>> send_all(const std::vector<http::Request>& requests,
                                                 const Done& on_done) override {
        Budget budget(clock_, signals_, budget_);
        std::vector<Waiting> again;
        auto answers = inner_.send_all(requests, [&](std::size_t i, const Result<http::Response>& answer) {
            settle(requests[i], i, answer, budget, again, on_done);
        });
        while (!again.empty()) {
            milliseconds longest{0};
            for (const Waiting& one : again) longest = std::max(longest, one.wait);
            if (!budget.spend(longest)) {
                for (const Waiting& one : again) answers[one.index] = kStopped;
                for (const Waiting& one : again) {
                    if (on_done) on_done(one.index, answers[one.index]);
                }
                return answers;
            }
            resend(requests, answers, budget, again, on_done);
        }
        return answers;
    }

    Result<std::unique_ptr<http::Stream>> open(const http::Request& request) override {
        Budget budget(clock_, signals_, budget_);
        while (true) {
            auto stream = inner_.open(request);
            const auto wait =
                stream.ok() ? wait_of((*stream)->head()) : wait_of(request, Result<http::Response>(stream.error()));
            if (!wait || !budget.allows(*wait)) return stream;
            if (!budget.spend(*wait)) return kStopped;
        }
    }

  private:
    struct Waiting {
        std::size_t index;
        milliseconds wait;
    };

    // Final answers are reported; the others are put down to be sent again.
    static void settle(const http::Request& request, std::size_t index, const Result<http::Response>& answer,
                       const Budget& budget, std::vector<Waiting>& again, const Done& on_done) {
        const auto wait = wait_of(request, answer);
        if (wait && budget.allows(*wait)) {
            log::write(4, "Got a Retry-After or a broken connection for " + request.method + "; trying again in " +
                              std::to_string(wait->count()) + " ms");
            again.push_back({index, *wait});
        } else if (on_done) {
            on_done(index, answer);
        }
    }

    void resend(const std::vector<http::Request>& requests, std::vector<Result<http::Response>>& answers,
                const Budget& budget, std::vector<Waiting>& again, const Done& on_done) {
        const std::vector<Waiting> batch = std::exchange(again, {});
        std::vector<http::Request> subset;
        for (const Waiting& one : batch) subset.push_back(requests[one.index]);
        auto fresh = inner_.send_all(subset, [&](std::size_t i, const Result<http::Response>& answer) {
            settle(subset[i], batch[i].index, answer, budget, again, on_done);
        });
        for (std::size_t i = 0; i < batch.size(); ++i) answers[batch[i].index] = std::move(fresh[i]);
    }

    http::Transport& inner_;
    Clock& clock_;
    const Signals& signals_;
    milliseconds budget_;
};

}  // namespace

std::unique_ptr<http::Transport> make_retry(http::Transport& inner, Clock& clock, const Signals& signals,
                                            milliseconds budget) {
    return std::make_unique<Retry>(inner, clock, signals, budget);
}

}  // namespace holdfast::kube
