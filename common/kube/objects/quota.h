// What a ResourceQuota of a namespace still has room for. Pure.
#pragma once

#include "common/core/json.h"

#include <optional>
#include <string>

namespace holdfast::kube {

struct QuotaRoom {
    long long hard = 0, used = 0;
    bool takes(long long more) const { return used + more <= hard; }
};
// resource: "requests.storage", "count/volumesnapshots.snapshot.storage.k8s.io"; nullopt: the quota does not bound it.
std::optional<QuotaRoom> quota_room(const Json& quota, const std::string& resource);

}  // namespace holdfast::kube
