// A claim of the namespace that tests of plans work in.
#pragma once

#include "common/kube/resource.h"

#include <string>

namespace holdfast::testing {

inline kube::ObjectRef claim_ref(const std::string& name) { return {kube::kClaims, "n", name}; }

}  // namespace holdfast::testing
