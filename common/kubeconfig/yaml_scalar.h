// What an unquoted YAML scalar means. Pure. Source: go.yaml.in/yaml/v2 resolve.go, and encoding/json for how Go writes
// it.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace holdfast::kubeconfig {

// `tag`: "?" plain without tag, "!" quoted, else the tag as written in full ("tag:yaml.org,2002:int"); unknown tags
// leave a string. kInvalid: the text does not fit the tag, or is a float that JSON lacks (.nan, .inf). No message
// quotes the text.
Result<Json> resolve_scalar(std::string_view tag, std::string_view text);

// A scalar as a JSON object's key, as kubectl converts it: 1 -> "1", yes -> "true". kInvalid: null, or over 2^63-1.
Result<std::string> resolve_key(std::string_view tag, std::string_view text);

}  // namespace holdfast::kubeconfig
