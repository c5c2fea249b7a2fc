// An in-memory cluster for unit tests: objects by reference, resourceVersions, uids, preconditions, watches over its
// own changes, a log of every call, and failures on demand. It has no controllers: a test plays them in `react`, which
// is called after each write and whenever a watch is read without anything new. It is a test double and says so.
#pragma once

#include "common/kube/cluster.h"
#include "common/os/clock.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::testing {

// Time as a counter: sleeping adds, nothing waits.
class FakeClock : public Clock {
  public:
    std::chrono::system_clock::time_point now() override {
        return std::chrono::system_clock::time_point(std::chrono::seconds(1795235405)) +
               std::chrono::duration_cast<std::chrono::system_clock::duration>(elapsed_);
    }
    std::chrono::steady_clock::time_point steady_now() override {
        return std::chrono::steady_clock::time_point(elapsed_ + std::chrono::hours(1));
    }
    void sleep_for(std::chrono::milliseconds duration) override { elapsed_ += duration; }

  private:
    std::chrono::nanoseconds elapsed_{0};
};

class FakeCluster : public kube::Cluster {
  public:
    explicit FakeCluster(Clock& clock);

    // Puts an object there without a call being logged (a test's or a controller's doing). uid and resourceVersion are
    // set.
    void put(Json object);
    void drop(const kube::ObjectRef& ref);
    // nullptr if it is not there.
    const Json* at(const kube::ObjectRef& ref) const;

    std::function<void(FakeCluster&)> react;
    // Asked before each call with its line of the log ("create pvc/ns/name"); an error is given instead of the call.
    // With after=true it is asked after the call was carried out: a lost answer.
    std::function<std::optional<Error>(const std::string& call, bool after)> fault;
    std::function<bool(const kube::AccessCheck&)> may = [](const kube::AccessCheck&) { return true; };
    // Changes what is stored on create, as an API server that drops fields would.
    std::function<void(Json&)> admit;
    std::vector<std::string> calls;  // "get pvc/ns/name", "create ...", "list pvc ns selector", ...
    std::vector<std::string> writes() const;
    kube::Discovery discovery;  // starts with every resource that resource.h names

    Result<Json> get(const kube::ObjectRef& ref) override;
    std::vector<Result<Json>> get_all(const std::vector<kube::ObjectRef>& refs) override;
    Result<std::string> for_each(const kube::Resource& resource, const std::string& space,
                                 const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                 const std::function<void()>& restart) override;
    Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource& resource, const std::string& space,
                                               const kube::ListOptions& options,
                                               const std::string& resource_version) override;
    Result<kube::Discovery> discover() override { return discovery; }
    Result<std::string> server_version() override { return std::string("v1.36.0-fake"); }
    Result<std::vector<bool>> allowed(const std::vector<kube::AccessCheck>& checks) override;
    Result<Json> create(const Json& manifest, kube::DryRun dry_run) override;
    std::vector<Result<Json>> create_all(const std::vector<Json>& manifests, kube::DryRun dry_run,
                                         const std::function<void(std::size_t)>& on_done) override;
    Result<Json> patch(const kube::ObjectRef& ref, kube::PatchType type, const Json& body,
                       const kube::Preconditions& preconditions, kube::DryRun dry_run,
                       const std::string& subresource) override;
    Result<Json> replace(const kube::ObjectRef& ref, const Json& object, kube::DryRun dry_run) override;
    Status remove(const kube::ObjectRef& ref, const kube::Preconditions& preconditions, kube::Propagation propagation,
                  kube::DryRun dry_run) override;
    Status evict(const kube::ObjectRef& pod, const kube::Preconditions& preconditions, kube::DryRun dry_run) override;

  private:
    friend class FakeWatch;
    struct Change {
        long long version;
        kube::WatchEvent::Type type;
        Json object;
    };
    std::string key(const kube::ObjectRef& ref) const;
    void store(const kube::ObjectRef& ref, Json object, kube::WatchEvent::Type type);
    void erase(const kube::ObjectRef& ref);
    Result<Json> answer(const std::string& call, const std::function<Result<Json>()>& act);
    static bool matches(const Json& object, const kube::ListOptions& options);

    Clock& clock_;
    std::map<std::string, std::pair<kube::ObjectRef, Json>> objects_;
    std::vector<Change> changes_;
    long long version_ = 100;
    int uids_ = 0;
};

}  // namespace holdfast::testing
