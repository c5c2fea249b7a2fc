#include "common/kube/objects/label_selector.h"

#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::kube {
namespace {

const Json& entries_at(const Json& object, const char* pointer) {
    static const Json kNone = Json::array();
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
}

const Json* wanted_labels(const Json& selector) {
    const Json* found = find_at(selector, "/matchLabels");
    return found != nullptr && found->is_object() ? found : nullptr;
}

bool has_value(const Json& values, const std::string& value) {
    return std::any_of(values.begin(), values.end(), [&](const Json& one) { return one.is_string() && one == value; });
}

bool requirement_holds(const Json& requirement, const LabelMap& labels) {
    const auto found = labels.find(text_at(requirement, "/key"));
    const std::string word = text_at(requirement, "/operator");
    const Json& values = entries_at(requirement, "/values");
    const bool there = found != labels.end();
    if (word == "In") return there && has_value(values, found->second);
    if (word == "NotIn") return !there || !has_value(values, found->second);
    if (word == "Exists") return there;
    if (word == "DoesNotExist") return !there;
    return true;
}

}  // namespace

LabelMap label_map(const Json& labels) {
    LabelMap map;
    if (!labels.is_object()) return map;
    for (const auto& [key, value] : labels.items()) {
        if (value.is_string()) map[key] = value.get<std::string>();
    }
    return map;
}

LabelMap labels_of(const Json& object) {
    const Json* labels = find_at(object, "/metadata/labels");
    return labels == nullptr ? LabelMap{} : label_map(*labels);
}

LabelMap match_labels_of(const Json& workload) {
    const Json* labels = find_at(workload, "/spec/selector/matchLabels");
    return labels == nullptr ? LabelMap() : label_map(*labels);
}

Json selector_of_labels(const Json& labels) { return {{"matchLabels", labels}}; }

bool selects_by_hand(const Json& job) { return bool_at(job, "/spec/manualSelector", false); }

bool selects_everything(const Json& selector) {
    const Json* labels = wanted_labels(selector);
    return selector.is_object() && (labels == nullptr || labels->empty()) &&
           entries_at(selector, "/matchExpressions").empty();
}

bool selector_matches(const Json& selector, const LabelMap& labels) {
    if (!selector.is_object()) return false;
    if (const Json* wanted = wanted_labels(selector); wanted != nullptr) {
        for (const auto& [key, value] : wanted->items()) {
            const auto found = labels.find(key);
            if (found == labels.end() || !value.is_string() || found->second != value.get<std::string>()) return false;
        }
    }
    const Json& requirements = entries_at(selector, "/matchExpressions");
    return std::all_of(requirements.begin(), requirements.end(),
                       [&](const Json& one) { return requirement_holds(one, labels); });
}

std::vector<std::string> keys_wanted(const Json& selector) {
    std::vector<std::string> keys;
    if (const Json* wanted = wanted_labels(selector); wanted != nullptr) {
        for (const auto& [key, value] : wanted->items()) keys.push_back(key);
    }
    for (const Json& one : entries_at(selector, "/matchExpressions")) {
        const std::string word = text_at(one, "/operator");
        if (word == "In" || word == "Exists") keys.push_back(text_at(one, "/key"));
    }
    return keys;
}

void rename_in_selector(Json& selector, const LabelMap& was, const LabelMap& now) {
    const auto renamed = [&](const std::string& key, const Json& value) -> const std::string* {
        const auto before = was.find(key);
        const auto after = now.find(key);
        if (before == was.end() || after == now.end() || !value.is_string() || value != before->second) return nullptr;
        return &after->second;
    };
    if (!selector.is_object()) return;
    if (wanted_labels(selector) != nullptr) {
        for (auto& [key, value] : selector["matchLabels"].items()) {
            if (const std::string* other = renamed(key, value); other != nullptr) value = *other;
        }
    }
    if (entries_at(selector, "/matchExpressions").empty()) return;
    for (Json& one : selector["matchExpressions"]) {
        if (entries_at(one, "/values").empty()) continue;
        for (Json& value : one["values"]) {
            if (const std::string* other = renamed(text_at(one, "/key"), value); other != nullptr) value = *other;
        }
    }
}

}  // namespace holdfast::kube
