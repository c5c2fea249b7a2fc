#include "plugins/pvc-expand/targets.h"

#include "common/kube/objects/workload.h"

namespace holdfast::expand {

Result<std::vector<kube::ObjectRef>> locked_by(kube::ClusterReader& reader, const ExpandOptions& options) {
    if (options.target) return std::vector<kube::ObjectRef>{*options.target};
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
        if (whole ? facts.places.contains(name) : facts.chosen.contains(name)) names.push_back(name);
    }
    return names;
}

}  // namespace holdfast::expand
