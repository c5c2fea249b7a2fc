#include "tests/traces/trace.h"

#include "common/core/text.h"

namespace holdfast::traces {
namespace {

constexpr std::size_t kColumn = 32;  // where states begin

std::string line_of(const Event& event) {
    const std::size_t blanks = event.object.size() < kColumn - 1 ? kColumn - event.object.size() : 1;
    return event.object + std::string(blanks, ' ') + event.state + "\n";
}

}  // namespace

Result<Trace> parse_trace(std::string_view text) {
    Trace trace;
    int number = 0;
    for (const std::string& line : split(text, '\n')) {
        ++number;
        const std::size_t end = line.find(' ');
        if (line.empty()) continue;
        if (line.starts_with('#')) {
            trace.heading.push_back(line);
        } else if (line.starts_with("> ")) {
            trace.phases.push_back({line.substr(2), {}});
        } else if (end == std::string::npos || trace.phases.empty()) {
            return Error{ErrorKind::kInvalid, "line " + std::to_string(number) + " is neither a command nor a change",
                         "", 0, ""};
        } else {
            trace.phases.back().events.push_back({line.substr(0, end), line.substr(line.find_first_not_of(' ', end))});
        }
    }
    return trace;
}

std::string text_of(const Trace& trace) {
    std::string text;
    for (const std::string& line : trace.heading) text += line + "\n";
    for (const Phase& phase : trace.phases) {
        text += "\n> " + phase.command + "\n";
        for (const Event& event : phase.events) text += line_of(event);
    }
    return text;
}

}  // namespace holdfast::traces
