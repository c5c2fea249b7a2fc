// Writing to the cluster. Only the executor and the journal get this.
//
// After a write whose answer was lost (kUnavailable, kTimeout) the server may or may not have done it: no write is ever
// sent again by itself. The caller observes and decides; deterministic names, uid and resourceVersion make that safe.
#pragma once

#include "common/kube/reader.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::kube {

enum class DryRun { kNone, kServer };  // kServer: dryRun=All on every write

enum class PatchType { kMerge, kJson, kStrategic, kApply };

struct Preconditions {
    std::string uid;               // "" : none
    std::string resource_version;  // "" : none
    friend bool operator==(const Preconditions&, const Preconditions&) = default;
};

struct PatchCall {
    ObjectRef ref;
    PatchType type = PatchType::kMerge;
    Json body;
    Preconditions preconditions;
    std::string subresource;
};
struct ReplaceCall {
    ObjectRef ref;
    Json object;
};

enum class Propagation { kBackground, kForeground, kOrphan };

class Cluster : public ClusterReader {
  public:
    // The object as the server made it. kAlreadyExists if the name is taken, kInvalid with causes, kForbidden (RBAC,
    // quota and admission: the reason tells). The manifest has apiVersion, kind and, if namespaced, metadata.namespace.
    virtual Result<Json> create(const Json& manifest, DryRun dry_run = DryRun::kNone) = 0;
    // Eight in flight, answers in order; `on_done(i)` as each ends.
    virtual std::vector<Result<Json>> create_all(const std::vector<Json>& manifests, DryRun dry_run = DryRun::kNone,
                                                 const std::function<void(std::size_t)>& on_done = {}) = 0;
    // uid and resourceVersion go into the patch as metadata, so that a replaced or changed object answers kConflict.
    virtual Result<Json> patch(const ObjectRef& ref, PatchType type, const Json& body,
                               const Preconditions& preconditions, DryRun dry_run = DryRun::kNone,
                               const std::string& subresource = {}) = 0;
    // As patch(), eight in flight, answers in order.
    virtual std::vector<Result<Json>> patch_all(const std::vector<PatchCall>& calls, DryRun dry_run = DryRun::kNone);
    // PUT of a whole object that was read before; metadata.resourceVersion must be there (kInternal otherwise).
    virtual Result<Json> replace(const ObjectRef& ref, const Json& object, DryRun dry_run = DryRun::kNone) = 0;
    // As replace(), eight in flight, answers in order.
    virtual std::vector<Result<Json>> replace_all(const std::vector<ReplaceCall>& calls,
                                                  DryRun dry_run = DryRun::kNone);
    // Success also means "deletion has begun" (finalizers): wait for it to be gone. kNotFound if it is not there.
    virtual Status remove(const ObjectRef& ref, const Preconditions& preconditions,
                          Propagation propagation = Propagation::kBackground, DryRun dry_run = DryRun::kNone) = 0;
    // Deletes a pod with its own grace, unless a PodDisruptionBudget does not allow it now: kUnavailable with
    // http_status 429 then, and nothing was done (kubernetes pkg/registry/core/pod/storage/eviction.go). Else as
    // remove.
    virtual Status evict(const ObjectRef& pod, const Preconditions& preconditions, DryRun dry_run = DryRun::kNone) = 0;
};

}  // namespace holdfast::kube
