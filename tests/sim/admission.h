// Defaults and rules that the API server applies to objects of the kinds that Holdfast writes.
#pragma once

#include "common/core/result.h"
#include "tests/sim/sim.h"

namespace holdfast::sim {

// The manifest with defaults, protection finalizers and first status.
Json admitted(const Sim& sim, const Json& manifest, const kube::ObjectRef& ref);
// kInvalid for what no object of the kind may be.
Status check_new(const kube::ObjectRef& ref, const Json& object);
// kInvalid for a change of a field that is immutable; kForbidden for a growth that the class does not allow.
Status check_update(const Sim& sim, const kube::ObjectRef& ref, const Json& before, const Json& after);

// kForbidden if a ResourceQuota of the namespace has no room for the object, or for what it asks for more than
// `before` (null: it is new). What is admitted is counted as used, if it is no dry run.
Status check_quota(Sim& sim, const kube::ObjectRef& ref, const Json* before, const Json& after, bool dry_run);

}  // namespace holdfast::sim
