#include "common/kube/objects/quota.h"

#include "common/core/quantity.h"
#include "common/kube/objects/workload.h"

namespace holdfast::kube {
namespace {

// Counts are quantities too ("5", "1k"); keys hold a '/', which a JSON pointer writes as ~1.
std::optional<long long> counted_at(const Json& quota, const char* part, const std::string& key) {
    const Json* map = find_at(quota, part);
    if (map == nullptr || !map->is_object()) return std::nullopt;
    const auto found = map->find(key);
    if (found == map->end() || !found->is_string()) return std::nullopt;
    const Result<Quantity> count = Quantity::parse(found->get<std::string>());
    return count.ok() ? std::optional(count->bytes()) : std::nullopt;
}

}  // namespace

std::optional<QuotaRoom> quota_room(const Json& quota, const std::string& resource) {
    const auto hard = counted_at(quota, "/status/hard", resource);
    if (!hard) return std::nullopt;
    return QuotaRoom{*hard, counted_at(quota, "/status/used", resource).value_or(0)};
}

}  // namespace holdfast::kube
