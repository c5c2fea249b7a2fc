// What the simulated API server does with a request: admission, defaults, preconditions, finalizers, deletion. Errors
// have the kinds, codes, reasons and words of the real one (apimachinery pkg/api/errors).
#pragma once

#include "common/kube/cluster.h"
#include "tests/sim/sim.h"

namespace holdfast::sim {

Result<Json> api_get(const Sim& sim, const kube::ObjectRef& ref, int lag = 0);
Result<Json> api_create(Sim& sim, const Json& manifest, kube::DryRun dry_run);
Result<Json> api_patch(Sim& sim, const kube::ObjectRef& ref, kube::PatchType type, const Json& body,
                       const kube::Preconditions& preconditions, kube::DryRun dry_run, const std::string& subresource);
Result<Json> api_replace(Sim& sim, const kube::ObjectRef& ref, const Json& object, kube::DryRun dry_run);
Status api_remove(Sim& sim, const kube::ObjectRef& ref, const kube::Preconditions& preconditions,
                  kube::Propagation propagation, kube::DryRun dry_run);
Status api_evict(Sim& sim, const kube::ObjectRef& pod, const kube::Preconditions& preconditions, kube::DryRun dry_run);

// As the client makes an Error of an answer: HTTP code, Status.reason, message.
Error api_error(ErrorKind kind, int code, const std::string& reason, const std::string& message);
Error not_found(const kube::ObjectRef& ref);
Error conflict(const kube::ObjectRef& ref, const std::string& why);

}  // namespace holdfast::sim
