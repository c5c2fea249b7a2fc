// What to say of an object that a user named and that is not there.
#pragma once

#include "common/core/result.h"
#include "common/kube/reader.h"

namespace holdfast::kube {

// kNotFound, with the nearest names of its kind in its namespace as the hint. One list, of which a failure is no
// matter.
Error missing_object(ClusterReader& reader, const ObjectRef& ref);

}  // namespace holdfast::kube
