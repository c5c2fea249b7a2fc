// Defaults and rules that the API server applies to objects of the kinds that Holdfast writes.
#pragma once

#include "common/core/result.h"
#include "tests/sim/sim.h"

namespace holdfast::sim {

// The manifest with defaults, protection finalizers and first status.
Json admitted(const Sim& sim, const Json& manifest, const kube::ObjectRef& ref);
// kInvalid for a change of a field that is immutable.
Status check_update(const kube::ObjectRef& ref, const Json& before, const Json& after);

}  // namespace holdfast::sim
