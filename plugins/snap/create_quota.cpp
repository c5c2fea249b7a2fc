#include "plugins/snap/create_quota.h"

#include "common/kube/objects/quota.h"
#include "common/kube/objects/workload.h"

namespace holdfast::snap {
namespace {

constexpr char kResource[] = "count/volumesnapshots.snapshot.storage.k8s.io";

}  // namespace

Status check_quotas(const LiveFacts& facts, const kube::SnapshotSet& set) {
    const long long needed =
        static_cast<long long>(set.members.size()) - static_cast<long long>(facts.snapshots.size());
    for (const Json& quota : facts.quotas) {
        const auto room = kube::quota_room(quota, kResource);
        if (!room || room->takes(needed)) continue;
        return Error{ErrorKind::kRefused,
                     "resourcequota/" + facts.space + "/" + kube::name_of(quota) + " allows " +
                         std::to_string(room->hard) + " snapshots, " + std::to_string(room->used) + " are used, and " +
                         std::to_string(needed) + " more are needed; nothing was changed",
                     "remove some with `kubectl snap delete`, or have the quota raised"};
    }
    return {};
}

}  // namespace holdfast::snap
