// What a target or a selector means, for both operations.
#pragma once

#include "plugins/pvc-expand/facts.h"

#include <string>
#include <vector>

namespace holdfast::expand {

// Of a selector: the StatefulSets that the chosen claims are of, and what else is chosen by itself.
Result<std::vector<kube::ObjectRef>> locked_by(kube::ClusterReader& reader, const ExpandOptions& options);
// Names of the claims that are there: those of a StatefulSet's templates, whatever their ordinal, and those chosen.
std::vector<std::string> meant_claims(const ExpandOptions& options, const ExpandFacts& facts);

}  // namespace holdfast::expand
