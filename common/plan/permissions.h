// Access reviews of a plan that works on two clusters.
#pragma once

#include "common/kube/reader.h"

#include <vector>

namespace holdfast::plan {

// The answers in the order of the checks, each by the cluster that it is of. there null: there is none other.
Result<std::vector<bool>> allowed_at(kube::ClusterReader& here, kube::ClusterReader* there,
                                     const std::vector<kube::AccessCheck>& checks);

}  // namespace holdfast::plan
