#include "common/kube/objects/node.h"

#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace holdfast::kube {
namespace {

// False: not a whole number.
bool read_number(const std::string& text, long long& value) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failed == std::errc() && end == text.data() + text.size();
}

bool compares(const std::string& op, const std::string* value, const std::vector<std::string>& wanted) {
    long long have = 0, limit = 0;
    if (value == nullptr || wanted.size() != 1) return false;
    if (!read_number(*value, have) || !read_number(wanted.front(), limit)) return false;
    return op == "Gt" ? have > limit : have < limit;
}

// value: nullptr if the node has no such label or field.
bool meets(const Json& requirement, const std::string* value) {
    const std::string op = text_at(requirement, "/operator");
    std::vector<std::string> wanted;
    const Json* values = find_at(requirement, "/values");
    for (const Json& one : values != nullptr && values->is_array() ? *values : Json::array()) {
        if (one.is_string()) wanted.push_back(one.get<std::string>());
    }
    const bool among = value != nullptr && std::find(wanted.begin(), wanted.end(), *value) != wanted.end();
    if (op == "In") return among;
    if (op == "NotIn") return !among;
    if (op == "Exists") return value != nullptr;
    if (op == "DoesNotExist") return value == nullptr;
    if (op == "Gt" || op == "Lt") return compares(op, value, wanted);
    return true;
}

bool label_meets(const Json& requirement, const Node& node) {
    const auto label = node.labels.find(text_at(requirement, "/key"));
    return meets(requirement, label == node.labels.end() ? nullptr : &label->second);
}

// There is one field only.
bool field_meets(const Json& requirement, const Node& node) {
    return text_at(requirement, "/key") != "metadata.name" || meets(requirement, &node.name);
}

bool term_picks(const Json& term, const Node& node) {
    bool asks = false, all = true;
    const auto each = [&](const char* pointer, auto met) {
        const Json* list = find_at(term, pointer);
        for (const Json& one : list != nullptr && list->is_array() ? *list : Json::array()) {
            asks = true;
            all = all && met(one, node);
        }
    };
    each("/matchExpressions", label_meets);
    each("/matchFields", field_meets);
    return asks && all;
}

std::vector<Taint> taints_of(const Json& object) {
    std::vector<Taint> taints;
    const Json* list = find_at(object, "/spec/taints");
    for (const Json& one : list != nullptr && list->is_array() ? *list : Json::array()) {
        Taint taint{text_at(one, "/key"), text_at(one, "/value"), text_at(one, "/effect")};
        const bool repeats = taint.key == "node.kubernetes.io/unschedulable" ||
                             taint.key == "node.kubernetes.io/not-ready" ||
                             taint.key == "node.kubernetes.io/unreachable";
        if (!repeats && (taint.effect == "NoSchedule" || taint.effect == "NoExecute"))
            taints.push_back(std::move(taint));
    }
    return taints;
}

bool tolerates_one(const Json& toleration, const Taint& taint) {
    const std::string effect = text_at(toleration, "/effect"), key = text_at(toleration, "/key");
    if ((!effect.empty() && effect != taint.effect) || (!key.empty() && key != taint.key)) return false;
    const std::string op = text_at(toleration, "/operator");
    return op.empty() || op == "Equal" ? text_at(toleration, "/value") == taint.value : true;
}

}  // namespace

Node node_state_of(const Json& object) {
    return {name_of(object), labels_of(object), node_is_ready(object), bool_at(object, "/spec/unschedulable", false),
            taints_of(object)};
}

bool tolerates(const Json& tolerations, const Taint& taint) {
    return tolerations.is_array() && std::any_of(tolerations.begin(), tolerations.end(),
                                                 [&](const Json& one) { return tolerates_one(one, taint); });
}

bool picks_node(const Json& terms, const Node& node) {
    if (!terms.is_array() || terms.empty()) return true;
    return std::any_of(terms.begin(), terms.end(), [&](const Json& term) { return term_picks(term, node); });
}

}  // namespace holdfast::kube
