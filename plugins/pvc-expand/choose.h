// From facts and wishes to what grows, or to the refusal: pure.
#pragma once

#include "common/core/duration.h"
#include "plugins/pvc-expand/facts.h"
#include "plugins/pvc-expand/record.h"

#include <string>
#include <vector>

namespace holdfast::expand {

struct Choice {
    ExpandRecord record;  // neither claims nor sets: everything is large enough already
    std::vector<std::string> notes;
};

// kRefused, with the remedy: whatever guards.h says, a size below what there is, an unknown --template, no templates.
Result<Choice> choose_expand(const ExpandOptions& options, const ExpandFacts& facts, SystemTime now);

}  // namespace holdfast::expand
