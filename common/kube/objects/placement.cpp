#include "common/kube/objects/placement.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::kube {
namespace {

Json json_at(const Json& object, const std::string& pointer) {
    const Json* found = find_at(object, pointer);
    return found == nullptr ? Json() : *found;
}

bool anywhere(const Json& terms) { return !terms.is_array() || terms.empty(); }

void append(Json& term, const Json& other, const char* key) {
    const auto found = other.find(key);
    if (found == other.end() || !found->is_array()) return;
    Json& list = term[key];
    if (!list.is_array()) list = Json::array();
    for (const Json& item : *found) list.push_back(item);
}

// No label is asked for two sets of values that have none in common.
bool can_be_met(const Json& term) {
    std::map<std::string, std::set<std::string>> wanted;
    for (const Json& one : json_at(term, "/matchExpressions")) {
        const Json values = json_at(one, "/values");
        if (text_at(one, "/operator") != "In" || !values.is_array()) continue;
        std::set<std::string> these;
        for (const Json& value : values) {
            if (value.is_string()) these.insert(value.get<std::string>());
        }
        const auto [place, is_new] = wanted.emplace(text_at(one, "/key"), these);
        if (is_new) continue;
        std::erase_if(place->second, [&](const std::string& value) { return !these.contains(value); });
        if (place->second.empty()) return false;
    }
    return true;
}

}  // namespace

Placement placement_of(const Json& pod_spec) {
    Placement placement;
    placement.node_selector = json_at(pod_spec, "/nodeSelector");
    placement.affinity = json_at(pod_spec, "/affinity");
    placement.tolerations = json_at(pod_spec, "/tolerations");
    placement.spread = json_at(pod_spec, "/topologySpreadConstraints");
    placement.scheduler = text_at(pod_spec, "/schedulerName");
    placement.runtime_class = text_at(pod_spec, "/runtimeClassName");
    const Json* containers = find_at(pod_spec, "/containers");
    if (containers != nullptr && containers->is_array()) {
        for (const Json& container : *containers) {
            Json resources = json_at(container, "/resources");
            if (resources.is_object()) placement.resources[text_at(container, "/name")] = std::move(resources);
        }
    }
    return placement;
}

Json pod_spec_of_workload(const Json& workload) {
    const std::string kind = text_at(workload, "/kind");
    if (kind == kCronJobs.kind) return json_at(workload, "/spec/jobTemplate/spec/template/spec");
    return json_at(workload, kind == kPods.kind ? "/spec" : "/spec/template/spec");
}

bool selects(const Json& selector, const std::map<std::string, std::string>& labels) {
    if (!selector.is_object() || selector.empty()) return false;
    for (const auto& [key, value] : selector.items()) {
        const auto found = labels.find(key);
        if (found == labels.end() || !value.is_string() || value.get<std::string>() != found->second) return false;
    }
    return true;
}

Json service_selector_of(const Json& service) {
    Json selector = json_at(service, "/spec/selector");
    return selector.is_object() ? selector : Json::object();
}

std::string literal_env(const Json& env, const std::string& name) {
    if (!env.is_array()) return "";
    std::string value;
    for (const Json& item : env) {  // the last one counts, as for the kubelet
        if (text_at(item, "/name") == name) value = text_at(item, "/value");
    }
    return starts_with(value, "hashed:") || value.find("$(") != std::string::npos ? "" : value;
}

Json both_topologies(const Json& terms, const Json& other_terms) {
    if (anywhere(terms)) return anywhere(other_terms) ? Json() : other_terms;
    if (anywhere(other_terms)) return terms;
    Json pairs = Json::array();
    for (const Json& one : terms) {
        for (const Json& other : other_terms) {
            if (!one.is_object() || !other.is_object()) continue;
            Json term = one;
            append(term, other, "matchExpressions");
            append(term, other, "matchFields");
            pairs.push_back(std::move(term));
        }
    }
    return pairs;
}

bool topologies_meet(const Json& terms, const Json& other_terms) {
    const Json both = both_topologies(terms, other_terms);
    return anywhere(both) || std::any_of(both.begin(), both.end(), can_be_met);
}

}  // namespace holdfast::kube
