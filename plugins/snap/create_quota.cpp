#include "plugins/snap/create_quota.h"

#include "common/kube/objects/workload.h"

namespace holdfast::snap {
namespace {

constexpr char kResource[] = "count/volumesnapshots.snapshot.storage.k8s.io";

// Counts are quantities too ("5", "1k"); keys hold a '/', which a JSON pointer writes as ~1.
std::optional<long long> count_at(const Json& quota, const char* part, const std::string& key) {
    const Json* map = kube::find_at(quota, part);
    if (map == nullptr || !map->is_object()) return std::nullopt;
    const auto found = map->find(key);
    if (found == map->end() || !found->is_string()) return std::nullopt;
    const Result<Quantity> count = Quantity::parse(found->get<std::string>());
    return count.ok() ? std::optional(count->bytes()) : std::nullopt;
}

}  // namespace

Status check_quotas(const CreateFacts& facts, const kube::SnapshotSet& set) {
    const long long needed =
        static_cast<long long>(set.members.size()) - static_cast<long long>(facts.snapshots.size());
    for (const Json& quota : facts.quotas) {
        const auto hard = count_at(quota, "/status/hard", kResource);
        if (!hard) continue;
        const long long used = count_at(quota, "/status/used", kResource).value_or(0);
        if (used + needed <= *hard) continue;
        return Error{ErrorKind::kRefused,
                     "resourcequota/" + facts.space + "/" + kube::name_of(quota) + " allows " + std::to_string(*hard) +
                         " snapshots, " + std::to_string(used) + " are used, and " + std::to_string(needed) +
                         " more are needed; nothing was changed",
                     "remove some with `kubectl snap delete`, or have the quota raised"};
    }
    return {};
}

}  // namespace holdfast::snap
