// A small Kubernetes API in memory, so that whole commands run: discovery, access reviews (yes), objects of the
// resources that common/kube/resource.h names with create, read, list, watch, patch, replace, delete, resourceVersions,
// preconditions and dry run. No controllers. It is a test double and says so in its version.
#pragma once

#include "tests/cli/double/engine.h"

namespace holdfast::double_ {

// objects: an array of manifests that are there from the start. nullptr: one is of a kind that is not known.
std::unique_ptr<Engine> make_store(const Json& objects);

}  // namespace holdfast::double_
