// Workloads of one container, by its image.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <string>

namespace holdfast::clone::testing {

inline Json pod_of(const std::string& image, const Json& env = Json::array(), const Json& args = Json::array()) {
    return {{"containers", Json::array({{{"name", "db"}, {"image", image}, {"env", env}, {"args", args}}})}};
}

inline Json variable(const std::string& name, const std::string& value) { return {{"name", name}, {"value", value}}; }

}  // namespace holdfast::clone::testing
