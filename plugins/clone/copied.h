// Objects that a clone's pods need, made from those of its source: without what deployers and the cluster wrote on
// these. Pure.
#pragma once

#include "plugins/clone/clone_options.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::clone {

// Labels or annotations without those of Helm, Argo CD, Flux and their like: a copy that carries them would be taken
// for theirs, and pruned.
Json without_deployers(const Json& map);
// Argo CD's own mark, unless it is told another one: what has it of an application and stands in none of its manifests
// is pruned.
inline constexpr char kInstance[] = "app.kubernetes.io/instance";
void name_instance(Json& labels, const std::string& name);
// The object under this key; an empty one where there is none.
Json value_or_empty(const Json& object, const char* key);

// Takes its node's network and ports off: two pods of one node cannot have one port of it, and who speaks with the
// node's address would reach the clone. What was taken off, for the plan.
std::vector<std::string> take_off_node(Json& pod_spec);

// A headless Service of the clone's own pods, with the ports of this one and these labels.
Json service_copy(const CloneOptions& options, const Json& service, const std::string& name, Json labels);
// Lets its pods speak only with each other. Not relied on, since not every network heeds it (safety R25).
Json isolation_policy(const CloneOptions& options);
// A Secret or ConfigMap for the clone's namespace.
Json object_copy(const CloneOptions& options, const kube::Resource& resource, const std::string& name,
                 const Json& object);

}  // namespace holdfast::clone
