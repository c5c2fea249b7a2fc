// The plan of `snap protect`: deletionPolicy Retain on every content, and on it what is needed to rebuild the set.
// Pure.
#pragma once

#include "common/plan/operation.h"
#include "common/plan/step.h"
#include "plugins/snap/chain.h"

#include <string>
#include <vector>

namespace holdfast::snap {

// kRefused: a member has no content yet, or its content is of another snapshot. Contents that are protected already
// need no step.
Result<plan::Plan> plan_protect(const std::string& space, const std::vector<Subject>& subjects);

// Retain, and carries the record if its snapshot has one.
bool is_protected(const Link& link);

}  // namespace holdfast::snap
