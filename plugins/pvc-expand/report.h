// The end of an expansion: what a fresh read must show, and what is said of it. Pure.
#pragma once

#include "common/plan/operation.h"
#include "plugins/pvc-expand/options.h"
#include "plugins/pvc-expand/state.h"

#include <string>
#include <vector>

namespace holdfast::expand {

// kConflict: a claim, template, pod, revision or owner is not as it must be, and which. operation "" : nothing was to
// be done.
Result<plan::Report> proven_report(const ExpandOptions& options, const ExpandRecord& record, const ExpandState& state,
                                   const std::vector<Json>& revisions, const std::string& operation);

}  // namespace holdfast::expand
