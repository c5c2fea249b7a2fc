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

// Claims that are meant and stay as they are.
struct LeftOut {
    std::vector<std::string> larger, without_pod;
};
// Added to notes: which sizes, which pods and claims are special, and what may be done to pods. Pure.
void note_choice(const ExpandOptions& options, const ExpandFacts& facts, const ExpandRecord& record,
                 const LeftOut& left_out, std::vector<std::string>& notes);

// kRefused, with the remedy: whatever guards.h says, a size below what there is, an unknown --template, no templates.
Result<Choice> choose_expand(const ExpandOptions& options, const ExpandFacts& facts, SystemTime now);

}  // namespace holdfast::expand
