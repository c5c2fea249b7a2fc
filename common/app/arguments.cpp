#include "common/app/command.h"

#include <cassert>

namespace holdfast::app {

namespace {

// Hand-made Arguments (tests) know no table; parsed ones do.
[[maybe_unused]] bool in_table(const Arguments& arguments, const std::string& name) {
    return arguments.defaults.empty() || arguments.defaults.count(name) > 0;
}

}  // namespace

bool Arguments::given(const std::string& name) const { return values.count(name) > 0; }

bool Arguments::flag(const std::string& name) const { return text(name, "false") == "true"; }

std::string Arguments::text(const std::string& name, std::string fallback) const {
    if (auto value = optional(name)) return *value;
    const auto found = defaults.find(name);
    return found == defaults.end() || found->second.empty() ? fallback : found->second;
}

std::optional<std::string> Arguments::optional(const std::string& name) const {
    const auto found = values.find(name);
    if (found == values.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
}

std::vector<std::string> Arguments::list(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace holdfast::app
