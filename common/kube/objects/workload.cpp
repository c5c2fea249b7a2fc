#include "common/kube/objects/workload.h"

#include <algorithm>
#include <cstring>

namespace holdfast::kube {

namespace {

// By hand: a map that keeps its order is a list of pairs, and most lookups of a run are these.
const Json* member(const Json& object, std::string_view part) {
    for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) {
        if (key.size() == part.size() && std::memcmp(key.data(), part.data(), part.size()) == 0) return &value;
    }
    return nullptr;
}

std::string unescaped(std::string_view part) {
    std::string key(part);
    for (std::size_t tilde = 0; (tilde = key.find("~1", tilde)) != std::string::npos; ++tilde)
        key.replace(tilde, 2, "/");
    return key;
}

const Json* item(const Json& array, std::string_view part) {
    const bool index = !part.empty() && part.size() < 9 &&
                       std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!index) return nullptr;
    const std::size_t at = std::stoul(std::string(part));
    return at < array.size() ? &array[at] : nullptr;
}

}  // namespace

const Json* find_at(const Json& object, std::string_view pointer) {
    const Json* at = &object;
    const bool escaped = pointer.find('~') != std::string_view::npos;
    std::size_t begin = 0;
    while (begin < pointer.size()) {
        const std::size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
        const std::string_view part = pointer.substr(begin + 1, end - begin - 1);
        if (at->is_object())
            at = escaped ? member(*at, unescaped(part)) : member(*at, part);
        else if (at->is_array())
            at = item(*at, part);
        else
            return nullptr;
        if (at == nullptr) return nullptr;
        begin = end;
    }
    return at;
}

std::string text_at(const Json& object, std::string_view pointer) {
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

long long number_at(const Json& object, std::string_view pointer, long long fallback) {
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_number_integer() ? found->get<long long>() : fallback;
}

bool bool_at(const Json& object, std::string_view pointer, bool fallback) {
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_boolean() ? found->get<bool>() : fallback;
}

std::string name_of(const Json& object) { return text_at(object, "/metadata/name"); }
std::string space_of(const Json& object) { return text_at(object, "/metadata/namespace"); }
std::string uid_of(const Json& object) { return text_at(object, "/metadata/uid"); }
std::string version_of(const Json& object) { return text_at(object, "/metadata/resourceVersion"); }
std::string created_of(const Json& object) { return text_at(object, "/metadata/creationTimestamp"); }
bool deleting(const Json& object) { return find_at(object, "/metadata/deletionTimestamp") != nullptr; }

namespace {

std::string entry_of(const Json& object, const char* map, const std::string& key) {
    const Json* found = find_at(object, map);
    if (found == nullptr || !found->is_object()) return "";
    const auto entry = found->find(key);
    return entry != found->end() && entry->is_string() ? entry->get<std::string>() : "";
}

}  // namespace

std::string label_of(const Json& object, const std::string& key) { return entry_of(object, "/metadata/labels", key); }
std::string annotation_of(const Json& object, const std::string& key) {
    return entry_of(object, "/metadata/annotations", key);
}

Result<Quantity> requested_of(const Json& claim) {
    const std::string text = text_at(claim, "/spec/resources/requests/storage");
    return Quantity::parse(text).context("pvc/" + space_of(claim) + "/" + name_of(claim) +
                                         ": spec.resources.requests.storage");
}

std::optional<Quantity> capacity_of(const Json& claim) {
    auto parsed = Quantity::parse(text_at(claim, "/status/capacity/storage"));
    return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

std::map<std::string, std::string> claims_of_pod_spec(const Json& pod_spec) {
    std::map<std::string, std::string> claims;
    const Json* volumes = find_at(pod_spec, "/volumes");
    if (volumes == nullptr || !volumes->is_array()) return claims;
    for (const Json& volume : *volumes) {
        const std::string claim = text_at(volume, "/persistentVolumeClaim/claimName");
        if (!claim.empty()) claims[text_at(volume, "/name")] = claim;
    }
    return claims;
}

std::vector<std::string> claim_templates_of(const Json& stateful_set) {
    std::vector<std::string> names;
    const Json* templates = find_at(stateful_set, "/spec/volumeClaimTemplates");
    if (templates == nullptr || !templates->is_array()) return names;
    for (const Json& one : *templates) names.push_back(name_of(one));
    return names;
}

int replicas_of(const Json& workload) { return static_cast<int>(number_at(workload, "/spec/replicas", 1)); }
int start_ordinal_of(const Json& stateful_set) {
    return static_cast<int>(number_at(stateful_set, "/spec/ordinals/start", 0));
}

Result<std::string> selector_of(const Json& workload) {
    std::string selector;
    auto add = [&](const std::string& term) { selector += (selector.empty() ? "" : ",") + term; };
    if (const Json* labels = find_at(workload, "/spec/selector/matchLabels");
        labels != nullptr && labels->is_object()) {
        for (const auto& [key, value] : labels->items())
            add(key + "=" + (value.is_string() ? value.get<std::string>() : ""));
    }
    if (const Json* terms = find_at(workload, "/spec/selector/matchExpressions");
        terms != nullptr && terms->is_array()) {
        for (const Json& term : *terms) {
            const std::string key = text_at(term, "/key"), op = text_at(term, "/operator");
            std::string values;
            if (const Json* list = find_at(term, "/values"); list != nullptr && list->is_array()) {
                for (const Json& value : *list)
                    values += (values.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : "");
            }
            if (op == "In")
                add(key + " in (" + values + ")");
            else if (op == "NotIn")
                add(key + " notin (" + values + ")");
            else if (op == "Exists")
                add(key);
            else if (op == "DoesNotExist")
                add("!" + key);
            else
                return Error{ErrorKind::kInvalid, "unknown selector operator \"" + op + "\"", "", 0, ""};
        }
    }
    if (selector.empty()) {
        return Error{
            ErrorKind::kInvalid,
            space_of(workload) + "/" + name_of(workload) + ": its selector is empty and selects nothing or everything",
            "", 0, ""};
    }
    return selector;
}

}  // namespace holdfast::kube
