// A trace: commands, and what each of them made a cluster do. Text, one line for each command ("> kubectl …") and for
// each change; lines that begin with # say what the story is about. Pure.
#pragma once

#include "common/core/result.h"
#include "tests/traces/reduce.h"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::traces {

struct Phase {
    std::string command;        // without the "> "
    std::vector<Event> events;  // until the cluster was at rest again
};

struct Trace {
    std::vector<std::string> heading;  // lines with their #
    std::vector<Phase> phases;
};

// kInvalid names the line that is neither.
Result<Trace> parse_trace(std::string_view text);
std::string text_of(const Trace& trace);

}  // namespace holdfast::traces
