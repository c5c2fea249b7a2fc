// Where the containers of a pod mount its claims. Pure.
#pragma once

#include "common/core/json.h"

#include <string>
#include <vector>

namespace holdfast::kube {

struct ClaimMount {
    std::string claim, container, path;
};
// Filesystems only: a raw block device has no path to ask df about. A subPath is of the same filesystem.
std::vector<ClaimMount> claim_mounts_of(const Json& pod);
// The claims that its containers have as raw block devices.
std::vector<std::string> device_claims_of(const Json& pod);

}  // namespace holdfast::kube
