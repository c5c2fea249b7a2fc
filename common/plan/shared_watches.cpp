#include "common/plan/shared_watches.h"

#include "common/kube/objects/workload.h"
#include "common/plan/wait.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

constexpr std::chrono::seconds kQuiet{10};

std::string place_of(const kube::Resource& resource, const std::string& space) {
    return resource.qualified() + (resource.namespaced ? "/" + space : "");
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Whether a came before b or is b. The versions of one kind are whole numbers that rise (kubernetes
// enhancements KEP-5504; before that in every API server, since they are etcd's revisions).
bool not_after(const std::string& a, const std::string& b) {
    const auto digits = [](const std::string& text) {
        return std::string_view(text).substr(std::min(text.find_first_not_of('0'), text.size()));
    };
    const std::string_view left = digits(a), right = digits(b);
    return left.size() != right.size() ? left.size() < right.size() : left <= right;
}

std::map<std::string, int> waits_by_place(const Plan& plan) {
    std::map<std::string, int> waits;
    for (const Step& step : plan.steps) {
        if (const auto* wait = std::get_if<WaitFor>(&step.action)) ++waits[place_of(wait->resource, wait->space)];
        const auto* gone = std::get_if<Delete>(&step.action);
        if (gone != nullptr && gone->wait && !leaves_no_controller(*gone))
            ++waits[place_of(gone->ref.resource, gone->ref.space)];
    }
    return waits;
}

}  // namespace

// Gives the watch back at its end, if it has just proved to be alive.
class LentWatch : public kube::Watch {
  public:
    LentWatch(SharedWatches::Stream stream, SharedWatches& owner, SharedWatches::Key key, std::string from, bool reused)
        : stream_(std::move(stream)),
          owner_(owner),
          key_(std::move(key)),
          from_(std::move(from)),
          unproven_(reused),
          lent_(owner.clock_.steady_now()) {}
    LentWatch(const LentWatch&) = delete;
    LentWatch& operator=(const LentWatch&) = delete;

    // One that told nothing when it was last asked may never tell anything again: it is left to end.
    ~LentWatch() override {
        if (alive_) owner_.idle_[key_] = std::move(stream_);
    }

    Result<std::optional<kube::WatchEvent>> next(std::chrono::milliseconds timeout) override {
        auto event = stream_.watch->next(timeout);
        alive_ = false;
        if (event.ok() && event->has_value()) event = news(std::move(*event));
        if (event.ok() && event->has_value()) return event;
        // What lay ready since an earlier wait, and is no news, says nothing of the connection.
        if (event.ok() && unproven_ && owner_.clock_.steady_now() - lent_ >= kQuiet)
            return Error{ErrorKind::kUnavailable, "nothing came on the watch of an earlier wait", "", 0, ""};
        return event;
    }

  private:
    // What the list of this wait shows already is no news to it: a StatefulSet that was replaced is not told as deleted
    // to whoever waits for the new one.
    Result<std::optional<kube::WatchEvent>> news(std::optional<kube::WatchEvent> event) {
        const std::string version = kube::version_of(event->object);
        if (!is_number(version)) return event;  // where it has got to is not known: not lent again
        if (!not_after(version, stream_.version)) stream_.version = version;
        if (not_after(version, from_)) return std::optional<kube::WatchEvent>();
        alive_ = true;
        unproven_ = false;
        return event;
    }

    SharedWatches::Stream stream_;
    SharedWatches& owner_;
    const SharedWatches::Key key_;
    const std::string from_;
    bool unproven_;       // nothing came since an earlier wait
    bool alive_ = false;  // news came when it was last asked
    const std::chrono::steady_clock::time_point lent_;
};

SharedWatches::SharedWatches(const Plan& plan, Clock& clock) : clock_(clock) {
    for (const auto& [place, waits] : waits_by_place(plan)) {
        if (waits > 1) shared_.insert(place);
    }
}

Result<std::unique_ptr<kube::Watch>> SharedWatches::watch(kube::ClusterReader& cluster, const kube::Resource& resource,
                                                          const std::string& space, const kube::ListOptions& options,
                                                          const std::string& resource_version) {
    const std::string place = place_of(resource, space);
    if (!shared_.contains(place) || !is_number(resource_version))
        return cluster.watch(resource, space, options, resource_version);
    const Key key{&cluster, place};
    Stream stream = std::move(idle_[key]);
    idle_.erase(key);
    // A list may be answered from an older state than what the watch has told: what it told since would be missed.
    const bool reused = stream.watch != nullptr && not_after(stream.version, resource_version);
    if (!reused) {
        stream.watch.reset();  // never two at a time
        TRY_ASSIGN(stream.watch, cluster.watch(resource, space, {}, resource_version));
        stream.version = resource_version;
    }
    return std::unique_ptr<kube::Watch>(
        std::make_unique<LentWatch>(std::move(stream), *this, key, resource_version, reused));
}

}  // namespace holdfast::plan
