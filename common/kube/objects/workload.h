// Typed views over the objects that commands read: only files of this folder name JSON paths. A view borrows the JSON
// it was made of.
#pragma once

#include "common/core/json.h"
#include "common/core/quantity.h"
#include "common/core/result.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kube {

// metadata of any object; missing strings are "".
std::string name_of(const Json& object);
std::string space_of(const Json& object);
std::string uid_of(const Json& object);
std::string version_of(const Json& object);  // resourceVersion
std::string created_of(const Json& object);  // creationTimestamp
bool deleting(const Json& object);           // deletionTimestamp is set
std::string label_of(const Json& object, const std::string& key);
std::string annotation_of(const Json& object, const std::string& key);
// Walks keys and array indices without throwing: text_at(pod, "/status/phase") is "" if any part is missing or no
// string.
std::string text_at(const Json& object, std::string_view pointer);
const Json* find_at(const Json& object, std::string_view pointer);  // nullptr if missing
long long number_at(const Json& object, std::string_view pointer, long long fallback);
bool bool_at(const Json& object, std::string_view pointer, bool fallback);

// A claim.
Result<Quantity> requested_of(const Json& claim);
std::optional<Quantity> capacity_of(const Json& claim);

// claim name of each volume of a pod spec (pod, or a workload's template): volume name -> claim name.
std::map<std::string, std::string> claims_of_pod_spec(const Json& pod_spec);
// volumeClaimTemplates' names, in order.
std::vector<std::string> claim_templates_of(const Json& stateful_set);
int replicas_of(const Json& workload);           // spec.replicas, default 1
int start_ordinal_of(const Json& stateful_set);  // spec.ordinals.start, default 0
// spec.selector as a label selector text for a list; "" for a selector that selects nothing is never returned.
Result<std::string> selector_of(const Json& workload);

}  // namespace holdfast::kube
