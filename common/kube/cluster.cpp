#include "common/kube/cluster.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {

// For whoever has no better way: one after the other.
std::vector<Result<Json>> Cluster::patch_all(const std::vector<PatchCall>& calls, DryRun dry_run) {
    std::vector<Result<Json>> answers;
    for (const PatchCall& one : calls)
        answers.push_back(patch(one.ref, one.type, one.body, one.preconditions, dry_run, one.subresource));
    return answers;
}

std::vector<Result<Json>> Cluster::replace_all(const std::vector<ReplaceCall>& calls, DryRun dry_run) {
    std::vector<Result<Json>> answers;
    for (const ReplaceCall& one : calls) answers.push_back(replace(one.ref, one.object, dry_run));
    return answers;
}

}  // namespace holdfast::kube
