// The JSON type of the whole project, forward declared. Objects keep the order in which keys were read, so that a
// manifest that passes through us comes out as it went in. Source files that touch values include <nlohmann/json.hpp>.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace holdfast {

using Json = nlohmann::ordered_json;

}  // namespace holdfast
