// Variables that containers take from ConfigMaps, written out as if they stood in env: by them, too, software is
// recognised and tied to its source (safety R26). Secrets are not read (safety R30). Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>

namespace holdfast::clone {

struct VariableSources {
    std::set<std::string> config_maps;
    std::set<std::string> secrets;  // of envFrom alone: a single key is known by its variable's name
};
VariableSources sources_of_variables(const Json& pod_spec);

// maps: by name; of those that are not there nothing is known. What stands in env is stronger, and of two ConfigMaps
// the later one.
Json written_out(Json pod_spec, const std::map<std::string, Json>& maps);

}  // namespace holdfast::clone
