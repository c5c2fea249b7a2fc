#include "common/plan/fence.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/server_time.h"

#include <algorithm>
#include <charconv>

namespace holdfast::plan {
namespace {

using kube::DryRun;
using kube::ObjectRef;
using kube::PatchType;
using kube::Preconditions;

constexpr int kFencedTries = 5;
// As many creates as are sent at once (Cluster::create_all): whoever was stopped among a thousand sends no more of them
// before it has asked whether it is still the owner.
constexpr std::size_t kInFlight = 8;

// Renews between the events, where nothing else does.
class TendedWatch : public kube::Watch {
  public:
    TendedWatch(std::unique_ptr<kube::Watch> inner, Tenure& tenure) : inner_(std::move(inner)), tenure_(tenure) {}
    Result<std::optional<kube::WatchEvent>> next(std::chrono::milliseconds timeout) override {
        tenure_.tend();
        return inner_->next(timeout);
    }

  private:
    std::unique_ptr<kube::Watch> inner_;
    Tenure& tenure_;
};

class FencedCluster : public kube::Cluster, public kube::TellsTime {
  public:
    FencedCluster(kube::Cluster& inner, Tenure& tenure, Fence fence)
        : inner_(inner), tenure_(tenure), fence_(std::move(fence)) {}

    Result<Json> get(const ObjectRef& ref) override { return tended().get(ref); }
    std::vector<Result<Json>> get_all(const std::vector<ObjectRef>& refs) override { return tended().get_all(refs); }
    Result<std::string> for_each(const kube::Resource& resource, const std::string& space,
                                 const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                 const std::function<void()>& restart) override {
        return tended().for_each(resource, space, options, each, restart);
    }
    Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource& resource, const std::string& space,
                                               const kube::ListOptions& options,
                                               const std::string& resource_version) override {
        TRY_ASSIGN(auto opened, tended().watch(resource, space, options, resource_version));
        return std::unique_ptr<kube::Watch>(std::make_unique<TendedWatch>(std::move(opened), tenure_));
    }
    Result<kube::Discovery> discover() override { return inner_.discover(); }
    Result<std::string> server_version() override { return inner_.server_version(); }
    std::optional<SystemTime> server_time() override { return kube::server_time(inner_); }
    Result<std::vector<bool>> allowed(const std::vector<kube::AccessCheck>& checks) override {
        return inner_.allowed(checks);
    }

    Result<Json> create(const Json& manifest, DryRun dry_run) override {
        TRY(before_creates());
        return inner_.create(manifest, dry_run);
    }
    std::vector<Result<Json>> create_all(const std::vector<Json>& manifests, DryRun dry_run,
                                         const std::function<void(std::size_t)>& on_done) override {
        std::vector<Result<Json>> answers;
        Status may = before_creates();
        while (answers.size() < manifests.size()) {
            if (!may.ok()) {
                answers.resize(manifests.size(), Result<Json>(may.error()));
                break;
            }
            const std::size_t done = answers.size(), some = std::min(kInFlight, manifests.size() - done);
            const auto from = manifests.begin() + static_cast<std::ptrdiff_t>(done);
            for (auto& answer : inner_.create_all({from, from + static_cast<std::ptrdiff_t>(some)}, dry_run,
                                                  [&](std::size_t i) { on_done ? on_done(done + i) : void(); }))
                answers.push_back(std::move(answer));
            tenure_.tend();
            may = tenure_.may_write();
        }
        return answers;
    }
    Result<Json> patch(const ObjectRef& ref, PatchType type, const Json& body, const Preconditions& preconditions,
                       DryRun dry_run, const std::string& subresource) override {
        return fenced(ref, preconditions, [&](const Preconditions& all) {
            return inner_.patch(ref, type, body, all, dry_run, subresource);
        });
    }
    // Those that name no version are read first, one by one; the others are sent together, eight at a time.
    std::vector<Result<Json>> patch_all(const std::vector<kube::PatchCall>& calls, DryRun dry_run) override {
        const bool named = std::all_of(calls.begin(), calls.end(), [&](const kube::PatchCall& one) {
            return !fence_.locks || !one.preconditions.resource_version.empty();
        });
        if (!named) return kube::Cluster::patch_all(calls, dry_run);
        std::vector<Result<Json>> answers;
        while (answers.size() < calls.size()) {
            tenure_.tend();
            if (const Status may = tenure_.may_write(); !may.ok()) {
                answers.resize(calls.size(), Result<Json>(may.error()));
                break;
            }
            const auto from = calls.begin() + static_cast<std::ptrdiff_t>(answers.size());
            const auto some = static_cast<std::ptrdiff_t>(std::min(kInFlight, calls.size() - answers.size()));
            for (auto& answer : inner_.patch_all({from, from + some}, dry_run)) answers.push_back(std::move(answer));
        }
        return answers;
    }
    Result<Json> replace(const ObjectRef& ref, const Json& object, DryRun dry_run) override {
        tenure_.tend();
        TRY(tenure_.may_write());
        return inner_.replace(ref, object, dry_run);
    }
    Status remove(const ObjectRef& ref, const Preconditions& preconditions, kube::Propagation propagation,
                  DryRun dry_run) override {
        const Result<Json> removed = fenced(ref, preconditions, [&](const Preconditions& all) -> Result<Json> {
            TRY(inner_.remove(ref, all, propagation, dry_run));
            return Json();
        });
        return removed.ok() ? Status() : Status(removed.error());
    }
    Status evict(const ObjectRef& pod, const Preconditions& preconditions, DryRun dry_run) override {
        const Result<Json> evicted = fenced(pod, preconditions, [&](const Preconditions& all) -> Result<Json> {
            TRY(inner_.evict(pod, all, dry_run));
            return Json();
        });
        return evicted.ok() ? Status() : Status(evicted.error());
    }

  private:
    kube::Cluster& tended() {
        tenure_.tend();
        return inner_;
    }

    Status before_creates() {
        tenure_.tend();
        TRY(tenure_.may_write());
        return fence_.before_creates ? fence_.before_creates() : Status();
    }

    // What the step says of the resourceVersion is sent as it is. Where it says nothing, the object's own of just now:
    // a controller's write in between is no reason to fail, so it is read again; a later owner's mark is.
    Result<Json> fenced(const ObjectRef& ref, const Preconditions& given,
                        const std::function<Result<Json>(const Preconditions&)>& send) {
        tenure_.tend();
        TRY(tenure_.may_write());
        if (!fence_.locks || !given.resource_version.empty()) return send(given);
        for (int attempt = 1;; ++attempt) {
            TRY_ASSIGN(const Json live, inner_.get(ref));
            if (!given.uid.empty() && kube::uid_of(live) != given.uid) return send(given);  // answers kConflict
            TRY(unmarked(ref, live));
            TRY(tenure_.may_write());
            auto answer = send({given.uid, kube::version_of(live)});
            const bool moved = !answer.ok() && answer.error().kind == ErrorKind::kConflict;
            if (!moved || attempt == kFencedTries) return answer;
        }
    }

    Status unmarked(const ObjectRef& ref, const Json& live) {
        if (epoch_in(kube::annotation_of(live, labels::kEpoch), fence_.operation) <= fence_.epoch) return {};
        return tenure_.lose(ref.text() + " is marked by a later owner");
    }

    kube::Cluster& inner_;
    Tenure& tenure_;
    const Fence fence_;
};

}  // namespace

std::unique_ptr<kube::Cluster> make_fenced(kube::Cluster& inner, Tenure& tenure, Fence fence) {
    return std::make_unique<FencedCluster>(inner, tenure, std::move(fence));
}

int epoch_in(const std::string& mark, const std::string& operation) {
    const std::string ours = operation + "/";
    if (!starts_with(mark, ours)) return -1;
    int epoch = 0;
    std::from_chars(mark.data() + ours.size(), mark.data() + mark.size(), epoch);
    return epoch;
}

std::string epoch_mark(const std::string& operation, int epoch) { return operation + "/" + std::to_string(epoch); }

}  // namespace holdfast::plan
