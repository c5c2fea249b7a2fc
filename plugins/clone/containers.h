// The containers of a pod spec as they are looked through for what they run. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::clone {

// Empty where there is none.
const Json& containers_in(const Json& pod_spec);
const Json& list_of_container(const Json& container, const char* key);
// Its command and args.
std::vector<std::string> words_of(const Json& container);

}  // namespace holdfast::clone
