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
// Its image, or where a volume is mounted, says that it is Bitnami's: its scripts read variables of their own.
bool is_bitnami(const Json& container);
// Its command and args.
std::vector<std::string> words_of(const Json& container);

struct Placed {
    const Json* container = nullptr;
    std::string path;   // in the pod spec: "containers[1]"
    bool stays = true;  // false: an init container that ends before the others start
};
// The containers, then the init containers, of which those that restart always are sidecars. Points into pod_spec.
std::vector<Placed> all_containers(const Json& pod_spec);
// The one of this name, nullptr : none.
const Placed* placed_of(const std::vector<Placed>& all, const std::string& name);

}  // namespace holdfast::clone
