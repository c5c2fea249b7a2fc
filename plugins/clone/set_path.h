// --set PATH=VALUE and --env NAME=VALUE on a manifest. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <nlohmann/json.hpp>

#include <string>

namespace holdfast::clone {

// PATH as kubectl and Helm write it: spec.template.spec.containers[0].args[1], a dot in a key as "\.". The value is
// taken as JSON where it is JSON, else as text; "null" takes the field away. Parts that are missing are made, except
// elements of a list: kRefused. kUsage: not a path.
Status set_path(Json& manifest, const std::string& path, const std::string& value);

// In every container that has the variable, else in each that runs software which could join its source, else in the
// first one. kRefused: there is no container.
Status set_env(Json& pod_spec, const std::string& name, const std::string& value);

}  // namespace holdfast::clone
