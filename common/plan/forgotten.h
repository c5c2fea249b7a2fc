// Workloads that carry an operation's mark while nothing else tells of that operation any more: its journal is gone,
// and so is what claims or volumes would make it again from. None may be forgotten.
#pragma once

#include "common/plan/journal.h"

#include <string>
#include <vector>

namespace holdfast::plan {

struct Forgotten {
    kube::ObjectRef workload;
    std::string mark, value;  // the annotation
    std::string message, hint;
};
// known: the operations that are told of, made again from objects or not. A resource that may not be listed is left
// out. space "" : of all namespaces.
Result<std::vector<Forgotten>> forgotten_workloads(kube::ClusterReader& reader, const std::string& space,
                                                   const std::vector<Journal>& known);

}  // namespace holdfast::plan
