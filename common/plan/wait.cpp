#include "common/plan/wait.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/observe.h"
#include "common/plan/shared_watches.h"

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::plan {
namespace {

using std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr milliseconds kLookEvery{1000};  // how long one read of the watch may block: signals are seen this soon
constexpr milliseconds kExplainEvery{5000};
constexpr milliseconds kFirstAsk{100};
constexpr milliseconds kFirstBackoff{800}, kLastBackoff{30000};  // client-go tools/cache/reflector.go

struct Watched {
    std::string uid;      // of the first sight; a different one later is another object
    std::string version;  // resourceVersion last judged
    Verdict verdict;
};

class Waiter {
  public:
    Waiter(const WaitFor& wait, const Step& step, World& world, const Limits& limits, milliseconds stall,
           milliseconds ask_every)
        : wait_(wait),
          step_(step),
          world_(world),
          limits_(limits),
          stall_(stall),
          ask_every_(ask_every),
          moved_(world.clock.steady_now()) {
        for (const std::string& name : wait.names) watched_[name].verdict = observe(wait.condition, nullptr);
        for (std::size_t i = 0; i < wait.uids.size() && i < wait.names.size(); ++i)
            watched_[wait.names[i]].uid = wait.uids[i];
        if (wait.names.size() == 1)
            options_.field_selector = "metadata.name=" + wait.names.front();
        else
            options_.label_selector = wait.selector;
    }

    Status run() {
        if (ask_every_ > milliseconds(0)) return ask();
        while (true) {
            TRY(relist());
            TRY_ASSIGN(const bool done, finished());
            if (done) return {};
            TRY_ASSIGN(const bool ended, follow());
            if (ended) return {};
        }
    }

  private:
    // What was only just asked for is not done yet: first a moment, then a look.
    Status ask() {
        for (milliseconds next = kFirstAsk;; next = std::min(next * 2, ask_every_)) {
            TRY(check());
            world_.clock.sleep_for(next);
            TRY(relist());
            TRY_ASSIGN(const bool done, finished());
            if (done) return {};
        }
    }

    kube::ObjectRef ref(const std::string& name) const {
        return {wait_.resource, wait_.resource.namespaced ? wait_.space : "", name};
    }

    // The state as it is now; objects that the list lacks do not exist.
    Status relist() {
        while (true) {
            auto list = world_.cluster.list(wait_.resource, wait_.space, options_);
            if (list.ok()) {
                version_ = list->resource_version;
                std::map<std::string, const Json*> found;
                for (const Json& item : list->items) found[kube::name_of(item)] = &item;
                for (const std::string& name : wait_.names) {
                    const auto item = found.find(name);
                    TRY(judge(name, item == found.end() ? nullptr : item->second));
                }
                return {};
            }
            const ErrorKind kind = list.error().kind;
            const bool passing = kind == ErrorKind::kUnavailable || kind == ErrorKind::kTimeout ||
                                 kind == ErrorKind::kConnect || kind == ErrorKind::kGone;
            if (!passing) return list.error();
            last_error_ = list.error().message;
            TRY(pause());
        }
    }

    Result<std::unique_ptr<kube::Watch>> open() {
        if (world_.watches == nullptr) return world_.cluster.watch(wait_.resource, wait_.space, options_, version_);
        return world_.watches->watch(world_.cluster, wait_.resource, wait_.space, options_, version_);
    }

    // Reads the watch until it ends; true when all is done.
    Result<bool> follow() {
        auto watch = open();
        if (!watch.ok()) {
            if (watch.error().kind == ErrorKind::kForbidden || watch.error().kind == ErrorKind::kUnauthorized)
                return watch.error();
            last_error_ = watch.error().message;
            TRY(pause());
            return false;
        }
        const TimePoint opened = world_.clock.steady_now();
        for (bool told = false;;) {
            // A watch may tell nothing and not end, for minutes: before we give up, the API server is asked.
            if (still() >= stall_ && !std::exchange(asked_, true)) return false;
            TRY(check());
            auto event = (*watch)->next(kLookEvery);
            if (!event.ok()) {
                // Ended or too old: list again. The list is the truth, so no event can be missed.
                if (event.error().kind != ErrorKind::kUnavailable && event.error().kind != ErrorKind::kGone)
                    return event.error();
                // One that ends as soon as it is open would be opened again and again.
                if (!told && world_.clock.steady_now() - opened < kFirstBackoff) TRY(pause());
                return false;
            }
            backoff_ = kFirstBackoff;
            if (!event->has_value()) continue;
            told = true;
            const kube::WatchEvent& one = **event;
            if (one.type == kube::WatchEvent::Type::kBookmark) continue;
            const std::string name = kube::name_of(one.object);
            if (!watched_.contains(name)) continue;
            TRY(judge(name, one.type == kube::WatchEvent::Type::kDeleted ? nullptr : &one.object));
            TRY_ASSIGN(const bool done, finished());
            if (done) return true;
        }
    }

    Status judge(const std::string& name, const Json* object) {
        Watched& watched = watched_[name];
        if (object != nullptr) {
            const std::string uid = kube::uid_of(*object);
            if (watched.uid.empty()) watched.uid = uid;
            if (watched.uid != uid && wait_.condition != Condition::kGone) {
                return Error{
                    ErrorKind::kConflict,
                    ref(name).text() + ": object replaced: it was deleted and made again while we waited for it", "", 0,
                    ""};
            }
            if (watched.uid != uid) object = nullptr;  // the one we waited for is gone; its successor is not ours
        } else if (!watched.uid.empty() && wait_.condition != Condition::kGone) {
            return Error{ErrorKind::kConflict, ref(name).text() + ": it was deleted while we waited for it", "", 0,
                         kDeletedMeanwhile};
        }
        const Verdict verdict = verdict_of(name, object);
        if (verdict.state != watched.verdict.state || verdict.detail != watched.verdict.detail) {
            moved_ = world_.clock.steady_now();
            asked_ = false;
        }
        watched.verdict = verdict;
        return {};
    }

    Verdict verdict_of(const std::string& name, const Json* object) const {
        for (std::size_t i = 0; i < wait_.bound_to.size() && i < wait_.names.size(); ++i) {
            if (wait_.names[i] == name && !wait_.bound_to[i].empty())
                return observe_bound_to(object, wait_.bound_to[i]);
        }
        if (wait_.condition == Condition::kAdopted) return observe_adopted(object, wait_.owner);
        for (std::size_t i = 0; i < wait_.sizes.size() && i < wait_.names.size(); ++i) {
            if (wait_.names[i] == name)
                return observe_resized(object, wait_.sizes[i], wait_.condition == Condition::kGrown);
        }
        const bool older = object != nullptr && kube::generation_of(*object) < wait_.generation;
        if (older) return {Verdict::State::kWaiting, "the API server shows an older state of it"};
        return observe(wait_.condition, object);
    }

    Result<bool> finished() {
        bool all = true;
        for (const auto& [name, watched] : watched_) {
            if (watched.verdict.state == Verdict::State::kFailed) {
                return Error{watched.verdict.kind, ref(name).text() + ": " + watched.verdict.detail + reason(name), "",
                             0, ""};
            }
            all = all && watched.verdict.state == Verdict::State::kDone;
        }
        if (!all) show();
        return all;
    }

    // Somebody may delete a volume between its reservation and the claim that it is for, which then waits for ever.
    Status check_reserved() {
        std::vector<kube::ObjectRef> volumes;
        std::vector<std::string> claims;
        for (std::size_t i = 0; i < wait_.bound_to.size() && i < wait_.names.size(); ++i) {
            if (watched_[wait_.names[i]].verdict.state == Verdict::State::kDone || wait_.bound_to[i].empty()) continue;
            volumes.push_back({kube::kVolumes, "", wait_.bound_to[i]});
            claims.push_back(wait_.names[i]);
        }
        const auto found = world_.cluster.get_all(volumes);
        for (std::size_t i = 0; i < found.size() && i < claims.size(); ++i) {
            if (found[i].ok() || found[i].error().kind != ErrorKind::kNotFound) continue;
            return Error{ErrorKind::kUnavailable,
                         ref(claims[i]).text() + ": " + watched_[claims[i]].verdict.detail + "; pv/" + volumes[i].name +
                             ", which was reserved for it, is not there any more: somebody deleted it",
                         "", 0, kNeverMore};
        }
        return {};
    }

    // A claim that goes, or that gets a volume which is reserved for its name, does not need where its data would come
    // from.
    bool in_vain(const Explanation& found) const {
        const bool needs_source = wait_.condition == Condition::kClaimBound && wait_.bound_to.empty();
        return (found.no_source && needs_source) || (found.no_space && wait_.condition != Condition::kGone);
    }

    milliseconds still() const { return std::chrono::duration_cast<milliseconds>(world_.clock.steady_now() - moved_); }

    std::string first_waiting() const {
        for (const auto& [name, watched] : watched_) {
            if (watched.verdict.state != Verdict::State::kDone) return name;
        }
        return watched_.begin()->first;
    }

    void show() {
        const auto done = std::count_if(watched_.begin(), watched_.end(), [](const auto& one) {
            return one.second.verdict.state == Verdict::State::kDone;
        });
        const std::string name = first_waiting();
        std::string text =
            watched_.size() > 1 ? std::to_string(done) + " of " + std::to_string(watched_.size()) + "; " : "";
        text += ref(name).text() + ": " + watched_[name].verdict.detail;
        if (!explanation_.empty()) text += " (" + explanation_ + ")";
        world_.witness.step_waits(step_, text);
    }

    std::string reason(const std::string& name) const {
        const std::string text = world_.explain ? world_.explain(ref(name)).text : "";
        return text.empty() ? "" : "; " + text;
    }

    // Called about once a second: signals, the limit, and why nothing moves.
    Status check() {
        if (world_.signals.count() >= (limits_.cleaning ? 2 : 1)) {
            return Error{ErrorKind::kInterrupted, "interrupted while waiting for " + ref(first_waiting()).text(), "", 0,
                         ""};
        }
        const TimePoint now = world_.clock.steady_now();
        if (still() >= stall_) {
            const std::string name = first_waiting();
            std::string message = ref(name).text() + ": no progress in " +
                                  human_elapsed(static_cast<double>(stall_.count()) / 1000) + ": " +
                                  watched_[name].verdict.detail + reason(name);
            if (!last_error_.empty()) message += "; last answer of the server: " + last_error_;
            return Error{ErrorKind::kTimeout, std::move(message), "", 0, ""};
        }
        if (still() < kExplainEvery || now - explained_ < kExplainEvery) return {};
        explained_ = now;
        TRY(check_reserved());
        if (world_.explain) {
            const std::string name = first_waiting();
            Explanation found = world_.explain(ref(name));
            if (in_vain(found))
                return Error{ErrorKind::kUnavailable,
                             ref(name).text() + ": " + watched_[name].verdict.detail + "; " + found.text, "", 0,
                             kNeverMore};
            explanation_ = std::move(found.text);
            show();
        }
        return {};
    }

    Status pause() {
        TRY(check());
        world_.clock.sleep_for(ask_every_ > milliseconds(0) ? std::min(backoff_, ask_every_) : backoff_);
        backoff_ = std::min(backoff_ * 2, kLastBackoff);
        return check();
    }

    const WaitFor& wait_;
    const Step& step_;
    World& world_;
    const Limits& limits_;
    const milliseconds stall_, ask_every_;
    kube::ListOptions options_;
    std::map<std::string, Watched> watched_;
    std::string version_, last_error_, explanation_;
    TimePoint moved_, explained_{};
    bool asked_ = false;  // since something moved: the API server, whether it is true that nothing does
    milliseconds backoff_ = kFirstBackoff;
};

}  // namespace

bool leaves_no_controller(const Delete& action) { return action.propagation == kube::Propagation::kOrphan; }

Status wait_for(const WaitFor& wait, const Step& step, World& world, const Limits& limits, milliseconds stall,
                milliseconds ask_every) {
    if (wait.names.empty()) return {};
    return Waiter(wait, step, world, limits, stall, ask_every).run();
}

}  // namespace holdfast::plan
