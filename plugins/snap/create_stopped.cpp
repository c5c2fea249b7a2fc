#include "plugins/snap/create_stopped.h"

#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::snap {

std::vector<Stopped> stopped_before(const LiveFacts& facts, const CreateOptions& options) {
    std::vector<Stopped> stopped;
    if (!options.selector.empty() || !facts.pods.empty()) return stopped;
    for (std::size_t i = 0; i < options.targets.size(); ++i) {
        const kube::Resource& resource = *options.targets[i].resource;
        const bool scales = resource == kube::kStatefulSets || resource == kube::kDeployments;
        const Json& workload = facts.workloads[i];
        if (!scales || !kube::at_zero(workload)) return {};
        stopped.push_back(
            {{resource, facts.space, kube::name_of(workload)}, kube::uid_of(workload), kube::generation_of(workload)});
    }
    return stopped;
}

Result<bool> stopped_still(kube::ClusterReader& reader, const std::string& space, const std::vector<Stopped>& before,
                           const std::vector<kube::SetMember>& members) {
    if (before.empty()) return false;
    std::set<std::string> claims;
    for (const kube::SetMember& member : members) claims.insert(member.claim);
    bool used = false;
    const auto look = [&](Json&& pod) {
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        used = used || (!kube::ended(pod) && std::any_of(mounted.begin(), mounted.end(),
                                                         [&](const auto& one) { return claims.contains(one); }));
        return true;
    };
    TRY(reader.for_each(kube::kPods, space, {}, look, [&] { used = false; }));
    if (used) return false;
    for (const Stopped& one : before) {
        TRY_ASSIGN(const std::optional<Json> now, reader.find(one.ref));
        if (!now || kube::uid_of(*now) != one.uid || kube::generation_of(*now) != one.generation ||
            !kube::at_zero(*now))
            return false;
    }
    return true;
}

}  // namespace holdfast::snap
