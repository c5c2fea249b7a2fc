// The documents that do not change: discovery (aggregated) and version.
#pragma once

#include "tests/cli/double/engine.h"

namespace holdfast::double_ {

// nullopt: no such document.
std::optional<Json> discovery_document(const std::string& path);

}  // namespace holdfast::double_
