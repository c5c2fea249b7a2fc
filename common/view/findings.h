// Findings of the diagnosis as a table, or as data.
#pragma once

#include "common/core/json.h"
#include "common/diagnose/diagnose.h"

#include <string>
#include <vector>

namespace holdfast::view {

std::string severity_name(diagnose::Severity severity);  // "error", "warning", "info"
// Most severe first, each with its remedy on a line of its own.
std::string findings_text(const std::vector<diagnose::Finding>& findings, bool color);
Json findings_json(const std::vector<diagnose::Finding>& findings);

}  // namespace holdfast::view
