// What the claims of an unfinished expansion tell of it when its journal, or a part of it, is lost. The mark on the
// first claim of each workload is written with the first patch and taken away last: an operation without any mark has
// changed nothing, or has ended.
#pragma once

#include "common/plan/journal.h"
#include "plugins/pvc-expand/record.h"

#include <string>
#include <vector>

namespace holdfast::expand {

// Of a namespace ("" : of all), in no order. Their journals have no uid: whoever goes on writes them anew.
Result<std::vector<plan::Journal>> unfinished_expansions(kube::ClusterReader& reader, const std::string& space);

}  // namespace holdfast::expand
