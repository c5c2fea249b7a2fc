// Where one case plays: a namespace of its own on the simulator or on a real cluster, waits that end with the first
// event that is enough, and checks. Whatever is not as it must be is kept with the line that saw it.
#pragma once

#include "common/kube/cluster.h"
#include "common/os/clock.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::contract {

using std::chrono::milliseconds;

// The case cannot go on: what it needed did not come. Already noted. Thrown by must() and until().
struct CaseEnded {};

// Rights of a user who has no others, in the case's namespace.
struct Right {
    std::vector<std::string> verbs;
    std::string resource;  // "configmaps", "statefulsets.apps", "configmaps/status"
    std::string name;      // "" : any
};

// What differs between the two worlds a case plays in.
class Ground {
  public:
    virtual ~Ground() = default;
    virtual kube::Cluster& cluster() = 0;
    virtual Clock& clock() = 0;
    // A client that may do only that, which lives as long as the ground. Null if it could not be made.
    virtual kube::Cluster* limited(const std::string& space, const std::vector<Right>& rights) = 0;
    // Whether who places pods decides by what it has read, which may be older than what is there.
    virtual bool scheduler_lags() const = 0;
};

using Predicate = std::function<bool(const Json&)>;

class Stage {
  public:
    Stage(Ground& ground, std::string name) : cluster(ground.cluster()), space(std::move(name)), ground_(ground) {}

    kube::Cluster& cluster;
    const std::string space;  // the case's namespace; it is there

    kube::ObjectRef ref(const kube::Resource& resource, const std::string& name) const {
        return {resource, resource.namespaced ? space : "", name};
    }
    // A cluster-scoped object's name that no other case has.
    std::string own(const std::string& name) const { return space + "-" + name; }

    // Each ends the case if it fails.
    Json make(const Json& manifest);
    Json get(const kube::Resource& resource, const std::string& name);
    Json merge(const kube::Resource& resource, const std::string& name, const Json& body,
               const std::string& subresource = "");
    void remove(const kube::Resource& resource, const std::string& name,
                kube::Propagation propagation = kube::Propagation::kBackground);
    // The object as soon as it is so; `what` says what is waited for, as "bound". At most three minutes: on a busy
    // machine controllers that try again double their pauses.
    Json until(const kube::Resource& resource, const std::string& name, const std::string& what, const Predicate& good);
    // As until(), where the controller may lose sight of a change and would look again only after minutes: the object's
    // label `look` changes every five seconds.
    Json until_looked_again(const kube::Resource& resource, const std::string& name, const std::string& what,
                            const Predicate& good);
    void until_gone(const kube::Resource& resource, const std::string& name);
    // Until so many objects of the selection are so.
    std::vector<Json> until_count(const kube::Resource& resource, std::size_t count, const std::string& what,
                                  const Predicate& good, const kube::ListOptions& options = {});
    // Watches for so long: it must not become so, nor go away.
    void never(const kube::Resource& resource, const std::string& name, const std::string& what, const Predicate& bad,
               milliseconds time = milliseconds(2500));
    // Until the API server refuses it so, or answers so. For what it decides from a cache of its own, which nobody can
    // watch (quotas, roles): asked anew every 50 ms. `ask` must change nothing: a dry run.
    void until_refused(const std::string& what, int code, const std::function<Result<Json>()>& ask);
    void until_answered(const std::string& what, const std::function<bool()>& ask);
    bool there(const kube::Resource& resource, const std::string& name);
    bool scheduler_lags() const { return ground_.scheduler_lags(); }
    // A user who may do only that, in the case's namespace.
    kube::Cluster& limited(const std::vector<Right>& rights);

    template <typename T>
    T must(Result<T> result, const char* what, int line) {
        if (!result.ok()) stop(line, std::string(what) + ": " + words(result.error()));
        return std::move(result).value();
    }
    void must(const Status& status, const char* what, int line) {
        if (!status.ok()) stop(line, std::string(what) + ": " + words(status.error()));
    }

    void check(bool good, const std::string& what, int line) {
        if (!good) note(line, what);
    }
    void same(const Json& is, const Json& wanted, const char* what, int line);
    // Refused with that code and Status.reason.
    template <typename T>
    void fails(const Result<T>& result, int code, const std::string& reason, const char* what, int line) {
        if (result.ok()) return note(line, std::string(what) + " succeeded");
        judge(result.error(), code, reason, what, line);
    }

    void note(int line, const std::string& what);
    [[noreturn]] void stop(int line, const std::string& what);
    const std::vector<std::string>& failures() const { return failures_; }

  private:
    static std::string words(const Error& error);
    void judge(const Error& error, int code, const std::string& reason, const char* what, int line);
    bool follow(const kube::Resource& resource, const kube::ListOptions& options, milliseconds time,
                const std::function<bool(const kube::List&)>& enough);

    Ground& ground_;
    std::vector<std::string> failures_;
};

}  // namespace holdfast::contract

#define MUST(expression) s.must((expression), #expression, __LINE__)
#define CHECK(expression) s.check(static_cast<bool>(expression), #expression, __LINE__)
#define SAME(is, wanted) s.same((is), (wanted), #is, __LINE__)
#define FAILS(expression, code, reason) s.fails((expression), code, reason, #expression, __LINE__)
