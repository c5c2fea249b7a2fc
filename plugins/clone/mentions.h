// Where a pod spec names something by a word of it. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::clone {

// What of env, args and command of the pods names one of these words: "env PRIMARY_HOST of container postgres".
std::vector<std::string> places_that_name(const Json& pod_spec, const std::vector<std::string>& words);

}  // namespace holdfast::clone
