#include "common/copies/workload_claims.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <charconv>

namespace holdfast::copies {
namespace {

std::optional<int> ordinal_of(std::string_view digits) {
    int ordinal = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
    const bool canonical = !digits.empty() && (digits.size() == 1 || digits.front() != '0');
    if (error != std::errc{} || end != digits.data() + digits.size() || ordinal < 0 || !canonical) return std::nullopt;
    return ordinal;
}

}  // namespace

const Json* pod_spec_of(const kube::Resource& kind, const Json& object) {
    if (kind == kube::kPods) return kube::find_at(object, "/spec");
    if (kind == kube::kClaims) return nullptr;
    return kube::find_at(object, "/spec/template/spec");
}

std::vector<std::string> mounted_by_name(const kube::Resource& kind, const Json& object) {
    std::vector<std::string> names;
    const Json* spec = pod_spec_of(kind, object);
    if (spec == nullptr) return names;
    if (kind == kube::kPods)
        names = kube::claims_of_pod(object);
    else
        for (const auto& [volume, claim] : kube::claims_of_pod_spec(*spec)) names.push_back(claim);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::vector<WorkloadClaim> claims_of(const kube::Resource& kind, const Json& object) {
    std::vector<WorkloadClaim> claims;
    if (kind == kube::kClaims) {
        claims.push_back({kube::name_of(object), "", -1});
        return claims;
    }
    if (kind != kube::kStatefulSets) {
        for (const std::string& name : mounted_by_name(kind, object)) claims.push_back({name, "", -1});
        return claims;
    }
    const int start = kube::start_ordinal_of(object);
    const int replicas = std::max(0, kube::replicas_of(object));
    for (int ordinal = start; ordinal < start + replicas; ++ordinal) {
        for (const std::string& one : kube::claim_templates_of(object)) {
            claims.push_back({one + "-" + kube::name_of(object) + "-" + std::to_string(ordinal), one, ordinal});
        }
    }
    return claims;
}

std::optional<WorkloadClaim> stateful_claim(const Json& stateful_set, const std::string& claim) {
    for (const std::string& one : kube::claim_templates_of(stateful_set)) {
        const std::string prefix = one + "-" + kube::name_of(stateful_set) + "-";
        if (!starts_with(claim, prefix)) continue;
        const auto ordinal = ordinal_of(std::string_view(claim).substr(prefix.size()));
        if (ordinal) return WorkloadClaim{claim, one, *ordinal};
    }
    return std::nullopt;
}

}  // namespace holdfast::copies
