#include "tests/sim/sim_watch.h"

#include "tests/sim/api.h"
#include "tests/sim/outside.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

using kube::WatchEvent;

constexpr milliseconds kServerTimeout{300000};  // the server ends a watch after a while (--min-request-timeout)
constexpr milliseconds kBookmarkEvery{60000};   // apiserver pkg/storage/cacher bookmarkFrequency

class SimWatch : public kube::Watch {
  public:
    SimWatch(Sim& sim, WatchRequest request)
        : sim_(sim), request_(std::move(request)), opened_(sim.elapsed()), bookmark_at_(opened_ + kBookmarkEvery) {
        if (!request_.from_start) return;
        for (const ObjectPtr& object : sim_.store.list(request_.resource, request_.space)) {
            if (mine(object)) first_.push_back({WatchEvent::Type::kAdded, *object});
        }
    }

    Result<std::optional<WatchEvent>> next(milliseconds timeout) override {
        const Outside outside;
        const auto deadline = sim_.elapsed() + timeout;
        while (true) {
            if (sim_.elapsed() - opened_ > kServerTimeout) return ended();
            TRY_ASSIGN(auto event, faulty());
            if (event) return event;
            const auto left = std::chrono::duration_cast<milliseconds>(deadline - sim_.elapsed());
            if (left.count() <= 0) return std::optional<WatchEvent>();
            const auto mark = std::chrono::ceil<milliseconds>(bookmark_at_ - sim_.elapsed());
            sim_.advance(
                std::min({left, sim_.next_due().value_or(left) + milliseconds(1), std::max(mark, milliseconds(1))}));
        }
    }

  private:
    static Error ended() { return {ErrorKind::kUnavailable, "the watch was ended by the server", "", 0, ""}; }

    Result<std::optional<WatchEvent>> faulty() {
        if (request_.fault == WatchFault::kStall) return std::optional<WatchEvent>();
        if (again_) return std::exchange(again_, std::nullopt);
        TRY_ASSIGN(auto event, take());
        if (!event) return bookmark();
        switch (std::exchange(request_.fault, WatchFault::kNone)) {
            case WatchFault::kNone:
            case WatchFault::kStall:
                return event;
            case WatchFault::kLost:
                return take();
            case WatchFault::kTwice:
                again_ = event;
                return event;
            case WatchFault::kReordered: {
                TRY_ASSIGN(auto later, take());
                if (!later) return event;
                again_ = event;
                return later;
            }
            case WatchFault::kGone:
                return api_error(ErrorKind::kGone, 410, "Expired", "too old resource version");
            case WatchFault::kEnd:
                return ended();
        }
        return event;
    }

    // Every minute, where the watch has got to.
    std::optional<WatchEvent> bookmark() {
        if (sim_.elapsed() < bookmark_at_) return std::nullopt;
        bookmark_at_ = sim_.elapsed() + kBookmarkEvery;
        return WatchEvent{WatchEvent::Type::kBookmark,
                          {{"kind", request_.resource.kind},
                           {"apiVersion", request_.resource.api_version()},
                           {"metadata", {{"resourceVersion", std::to_string(request_.from)}}}}};
    }

    bool mine(const ObjectPtr& object) const { return object && chosen(*object, request_.options); }

    // The next change that concerns the watch, as the watch cache tells it: what leaves the selection is deleted.
    Result<std::optional<WatchEvent>> take() {
        if (!first_.empty()) {
            WatchEvent event = std::move(first_.front());
            first_.pop_front();
            return std::optional(std::move(event));
        }
        const auto& history = sim_.store.history();
        const long long oldest = history.empty() ? sim_.store.revision() + 1 : history.front().revision;
        if (oldest > request_.from + 1) return api_error(ErrorKind::kGone, 410, "Expired", "too old resource version");
        auto change = std::upper_bound(history.begin(), history.end(), request_.from,
                                       [](long long from, const Change& one) { return from < one.revision; });
        for (; change != history.end(); ++change) {
            request_.from = change->revision;
            if (change->ref.resource != request_.resource) continue;
            if (!request_.space.empty() && change->ref.resource.namespaced && change->ref.space != request_.space)
                continue;
            const bool was = mine(change->before);
            const bool is = change->type != WatchEvent::Type::kDeleted && mine(change->object);
            if (!was && !is) continue;
            const auto type = !is   ? WatchEvent::Type::kDeleted
                              : was ? WatchEvent::Type::kModified
                                    : WatchEvent::Type::kAdded;
            return std::optional(WatchEvent{type, *change->object});
        }
        return std::optional<WatchEvent>();
    }

    Sim& sim_;
    WatchRequest request_;
    std::chrono::nanoseconds opened_, bookmark_at_;
    std::deque<WatchEvent> first_;
    std::optional<WatchEvent> again_;
};

}  // namespace

std::unique_ptr<kube::Watch> make_sim_watch(Sim& sim, WatchRequest request) {
    return std::make_unique<SimWatch>(sim, std::move(request));
}

}  // namespace holdfast::sim
