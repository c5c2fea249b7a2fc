// Reading the cluster. Who gathers facts gets this and so cannot write.
//
// Every call may wait as long as --request-timeout allows, and longer only while the server asks for it by Retry-After
// (429, 5xx: client-go rest/with_retry.go); it ends early on the second signal. Errors have the server's words with
// control characters escaped, and kinds: kNotFound, kForbidden, kUnauthorized, kConnect, kUnavailable, kTimeout, kGone,
// kProtocol (no Kubernetes API, too large, too deep), kInterrupted.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::kube {

struct ListOptions {
    std::string label_selector;
    std::string field_selector;
};

struct List {
    std::vector<Json> items;       // each with apiVersion and kind, which the server leaves out of list items
    std::string resource_version;  // of the list, for a watch that begins there
};

struct WatchEvent {
    enum class Type { kAdded, kModified, kDeleted, kBookmark };
    Type type = Type::kAdded;
    Json object;
};

// One open watch. Destroying it ends it.
class Watch {
  public:
    virtual ~Watch() = default;
    // The next event; nullopt: none came in `timeout`. kGone: too old, list again (HTTP 410 and ERROR events alike).
    // kUnavailable: the stream ended, cleanly or not: watch again from the last resourceVersion.
    virtual Result<std::optional<WatchEvent>> next(std::chrono::milliseconds timeout) = 0;
};

struct AccessCheck {
    std::string verb;  // "create", "patch", ...
    Resource resource;
    std::string space;        // "" : cluster-wide
    std::string subresource;  // "exec", ...
    std::string name;         // "" : any
    Site site = Site::kHere;  // which cluster is asked: see allowed_at() in plan/permissions.h
};

// What the API server offers: groups with versions, resources. Features are decided from it, never from version
// strings.
struct Discovery {
    std::set<std::string> resources;   // "snapshot.storage.k8s.io/v1/volumesnapshots", "v1/pods"
    std::set<std::string> incomplete;  // group/versions whose aggregated server did not answer
    bool has(const Resource& resource) const;
};

class ClusterReader {
  public:
    virtual ~ClusterReader() = default;

    virtual Result<Json> get(const ObjectRef& ref) = 0;
    // nullopt instead of kNotFound.
    Result<std::optional<Json>> find(const ObjectRef& ref);
    // The answers in the order of the references, eight in flight.
    virtual std::vector<Result<Json>> get_all(const std::vector<ObjectRef>& refs) = 0;

    // Pages of 500, each item given as its page is decoded, so that memory is bounded by two pages: from the second on
    // the next one is on its way meanwhile. So `each` must not ask the cluster for anything. space "": every namespace.
    // Returns the list's resourceVersion. `each` false stops early. After a 410 in a later page the whole
    // list is read again without pages; `restart` is called before, to drop what was collected.
    virtual Result<std::string> for_each(const Resource& resource, const std::string& space, const ListOptions& options,
                                         const std::function<bool(Json&&)>& each,
                                         const std::function<void()>& restart) = 0;
    Result<List> list(const Resource& resource, const std::string& space, const ListOptions& options = {});

    virtual Result<std::unique_ptr<Watch>> watch(const Resource& resource, const std::string& space,
                                                 const ListOptions& options, const std::string& resource_version) = 0;

    virtual Result<Discovery> discover() = 0;          // asked once, then remembered
    virtual Result<std::string> server_version() = 0;  // gitVersion, to be shown, never to decide

    // What a node's kubelet measures of its pods (stats/v1alpha1 Summary), through the API server's proxy: needs
    // "get nodes/proxy". kUnavailable by default: a double has no kubelets.
    virtual Result<Json> node_summary(const std::string& node);

    // One SelfSubjectAccessReview per check (a POST that stores nothing); true where allowed, in order.
    virtual Result<std::vector<bool>> allowed(const std::vector<AccessCheck>& checks) = 0;
};

}  // namespace holdfast::kube
