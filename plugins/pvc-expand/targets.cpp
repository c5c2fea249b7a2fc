#include "plugins/pvc-expand/targets.h"

#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

#include <optional>

namespace holdfast::expand {

Result<std::vector<kube::ObjectRef>> locked_by(kube::ClusterReader& reader, const ExpandOptions& options) {
    if (options.target && options.target->resource != kube::kDeployments) {
        std::vector<kube::ObjectRef> targets{*options.target};
        for (const std::string& claim : options.claims) targets.push_back({kube::kClaims, options.space, claim});
        return targets;
    }
    if (options.target) {
        // Its pods may mount a claim of a StatefulSet, too, whose lock keeps others off it.
        std::vector<kube::ObjectRef> targets{*options.target};
        TRY_ASSIGN(const std::optional<Json> live, reader.find(*options.target));
        if (!live) return targets;  // the plan says so
        for (const std::string& claim : kube::workload_state_of(*live).pod_claims)
            targets.push_back({kube::kClaims, options.space, claim});
        return targets;
    }
    TRY_ASSIGN(const ExpandFacts facts, gather_expand(reader, options));
    std::vector<kube::ObjectRef> targets;
    for (const Json& set : facts.sets) targets.push_back({kube::kStatefulSets, options.space, kube::name_of(set)});
    for (const std::string& claim : facts.chosen) {
        if (!facts.places.contains(claim)) targets.push_back({kube::kClaims, options.space, claim});
    }
    return targets;
}

std::vector<std::string> meant_claims(const ExpandOptions& options, const ExpandFacts& facts) {
    std::vector<std::string> names;
    const bool whole = options.target && options.target->resource == kube::kStatefulSets;
    for (const auto& [name, claim] : facts.claims) {
        if (facts.chosen.contains(name) || (whole && facts.places.contains(name))) names.push_back(name);
    }
    return names;
}

}  // namespace holdfast::expand
