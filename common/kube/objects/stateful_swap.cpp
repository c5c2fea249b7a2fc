#include "common/kube/objects/stateful_swap.h"

#include "common/core/text.h"
#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <charconv>

namespace holdfast::kube {
namespace {

constexpr char kSize[] = "/spec/resources/requests/storage";

const Json* claim_templates_at(const Json& set) {
    const Json* all = find_at(set, "/spec/volumeClaimTemplates");
    return all != nullptr && all->is_array() ? all : nullptr;
}

// The spec as far as pods and claims are made of it. nlohmann's unordered kind, since fields have no order.
nlohmann::json essence_of_set(const Json& set) {
    const Json* found = find_at(set, "/spec");
    nlohmann::json spec = found == nullptr ? nlohmann::json::object() : nlohmann::json(*found);
    for (const char* key : {"replicas", "persistentVolumeClaimRetentionPolicy", "revisionHistoryLimit",
                            "minReadySeconds", "updateStrategy"})
        spec.erase(key);
    if (!spec.contains("volumeClaimTemplates")) return spec;
    for (auto& one : spec["volumeClaimTemplates"]) {
        one.erase("status");
        if (one.contains("metadata")) one["metadata"].erase("creationTimestamp");
        if (one.contains("spec") && one["spec"].contains("resources") && one["spec"]["resources"].contains("requests"))
            one["spec"]["resources"]["requests"].erase("storage");
    }
    return spec;
}

bool of_subresource(const Json& entry) { return !text_at(entry, "/subresource").empty(); }

Json entries_of(const Json& object) {
    const Json* found = find_at(object, "/metadata/managedFields");
    return found != nullptr && found->is_array() ? *found : Json::array();
}

constexpr char kSpecFields[] = "/fieldsV1/f:spec";

bool is_of(const Json& entry, const std::string& manager) {
    return text_at(entry, "/manager") == manager && text_at(entry, "/operation") == "Update" && !of_subresource(entry);
}

bool same_manager(const Json& one, const Json& other) {
    return !of_subresource(one) && text_at(one, "/manager") == text_at(other, "/manager") &&
           text_at(one, "/operation") == text_at(other, "/operation") &&
           text_at(one, "/apiVersion") == text_at(other, "/apiVersion");
}

// An entry that had nothing else is gone.
void give_field(Json& entries, const Json& owner, const std::string& field) {
    const Json& owned = (*find_at(owner, kSpecFields))[field];
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Json& one) { return same_manager(one, owner); });
    if (found != entries.end()) {
        (*found)["fieldsV1"]["f:spec"][field] = owned;
        return;
    }
    Json entry = owner;
    entry["fieldsV1"] = {{"f:spec", {{field, owned}}}};
    entries.push_back(std::move(entry));
}

}  // namespace

TemplateSizes template_sizes_of(const Json& set) {
    TemplateSizes sizes;
    const Json* all = claim_templates_at(set);
    if (all == nullptr) return sizes;
    for (const Json& one : *all) sizes[name_of(one)] = text_at(one, kSize);
    return sizes;
}

std::string template_class_of(const Json& set, const std::string& claim_template) {
    const Json* all = claim_templates_at(set);
    if (all == nullptr) return "";
    for (const Json& one : *all) {
        if (name_of(one) == claim_template) return text_at(one, "/spec/storageClassName");
    }
    return "";
}

Json remade_set(const Json& live, const TemplateSizes& sizes, const std::string& mark) {
    Json made = live;
    made.erase("status");
    Json& metadata = made["metadata"];
    for (const char* key : {"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
                            "deletionGracePeriodSeconds", "managedFields", "selfLink", "finalizers"})
        metadata.erase(key);
    Json annotations = metadata.value("annotations", Json::object());
    const std::string retention = annotation_of(live, labels::kRetention);
    annotations.erase(labels::kRetention);
    annotations.erase(labels::kEpoch);
    annotations[labels::kRemade] = mark;
    metadata["annotations"] = std::move(annotations);
    Json& spec = made["spec"];
    if (const std::size_t slash = retention.find('/'); slash != std::string::npos) {
        spec["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", retention.substr(0, slash)},
                                                        {"whenScaled", retention.substr(slash + 1)}};
    }
    for (Json& one : spec["volumeClaimTemplates"]) {
        const auto size = sizes.find(name_of(one));
        if (size != sizes.end()) one["spec"]["resources"]["requests"]["storage"] = size->second;
    }
    return made;
}

std::string difference_but_size(const Json& set, const Json& other) {
    const nlohmann::json mine = essence_of_set(set), theirs = essence_of_set(other);
    for (const auto& [key, value] : mine.items()) {
        if (!theirs.contains(key) || theirs[key] != value) return "spec." + key;
    }
    for (const auto& [key, value] : theirs.items()) {
        if (!mine.contains(key)) return "spec." + escape_line(key);
    }
    return "";
}

std::map<std::string, std::string> template_labels_of(const Json& workload) {
    const Json* labels = find_at(workload, "/spec/template/metadata/labels");
    return labels == nullptr ? LabelMap() : label_map(*labels);
}

Json pod_selector_of(const Json& workload) {
    const Json* selector = find_at(workload, "/spec/selector");
    return selector == nullptr ? Json() : *selector;
}

std::size_t annotations_size_of(const Json& object, const std::string& but) {
    std::size_t size = 0;
    const Json* annotations = find_at(object, "/metadata/annotations");
    if (annotations == nullptr || !annotations->is_object()) return size;
    for (const auto& [key, value] : annotations->items()) {
        if (key != but && value.is_string()) size += key.size() + value.get_ref<const std::string&>().size();
    }
    return size;
}

Json without_our_fields(Json before, const Json& first, const std::string& ours) {
    Json kept = Json::array();
    std::vector<std::string> taken;
    for (const Json& one : entries_of(before)) {
        const Json* fields = find_at(one, kSpecFields);
        if (!is_of(one, ours)) {
            kept.push_back(one);
        } else if (fields != nullptr && fields->is_object()) {
            for (const auto& [field, owned] : fields->items()) taken.push_back(field);
        }
    }
    for (const Json& one : entries_of(first)) {
        const Json* fields = find_at(one, kSpecFields);
        if (of_subresource(one) || is_of(one, ours) || fields == nullptr || !fields->is_object()) continue;
        for (const std::string& field : taken) {
            if (fields->contains(field)) give_field(kept, one, field);
        }
    }
    before["metadata"]["managedFields"] = std::move(kept);
    return before;
}

Json owners_patch(const Json& before, const Json& live, const std::vector<std::string>& annotations) {
    Json entries = Json::array();
    for (const Json& one : entries_of(before)) {
        if (!of_subresource(one)) entries.push_back(one);
    }
    for (const Json& one : entries_of(live)) {
        if (of_subresource(one)) entries.push_back(one);
    }
    Json patch = Json::array();
    const Json* kept = find_at(live, "/metadata/annotations");
    Json left = kept == nullptr ? Json::object() : *kept;
    for (const std::string& name : annotations) left.erase(name);
    if (left.empty())
        patch.push_back({{"op", "remove"}, {"path", "/metadata/annotations"}});
    else
        patch.push_back({{"op", "replace"}, {"path", "/metadata/annotations"}, {"value", left}});
    if (!entries_of(before).empty())
        patch.push_back({{"op", "add"}, {"path", "/metadata/managedFields"}, {"value", std::move(entries)}});
    return patch;
}

nlohmann::json pod_template_of(const Json& object) {
    const Json* found = find_at(object, "/data/spec/template");
    if (found == nullptr) found = find_at(object, "/spec/template");
    nlohmann::json made = found == nullptr ? nlohmann::json() : nlohmann::json(*found);
    if (!made.is_object()) return made;
    made.erase("$patch");
    if (made.contains("metadata") && made["metadata"].is_object() && made["metadata"].contains("creationTimestamp") &&
        made["metadata"]["creationTimestamp"].is_null())
        made["metadata"].erase("creationTimestamp");
    return made;
}

std::string update_revision_of(const Json& set) { return text_at(set, "/status/updateRevision"); }
std::string current_revision_of(const Json& set) { return text_at(set, "/status/currentRevision"); }

bool ordered_ready(const Json& set) { return text_at(set, "/spec/podManagementPolicy") != "Parallel"; }

bool rolls_by_itself(const Json& set) { return text_at(set, "/spec/updateStrategy/type") != "OnDelete"; }

bool rolling(const Json& set) {
    const std::string current = current_revision_of(set);
    return rolls_by_itself(set) && !current.empty() && current != update_revision_of(set);
}

bool observed(const Json& set) { return number_at(set, "/status/observedGeneration", 0) >= generation_of(set); }

std::string last_written_of(const Json& object) {
    std::string last;
    for (const Json& one : entries_of(object)) last = std::max(last, text_at(one, "/time"));  // RFC 3339, in UTC
    return last;
}

std::vector<std::string> finalizers_of(const Json& object) {
    std::vector<std::string> names;
    const Json* all = find_at(object, "/metadata/finalizers");
    if (all == nullptr || !all->is_array()) return names;
    for (const Json& one : *all) {
        if (one.is_string()) names.push_back(one.get<std::string>());
    }
    return names;
}

std::string when_deleted_of(const Json& set) {
    const std::string policy = text_at(set, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted");
    return policy.empty() ? "Retain" : policy;
}

std::string when_scaled_of(const Json& set) {
    const std::string policy = text_at(set, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled");
    return policy.empty() ? "Retain" : policy;
}

std::string revision_of_pod(const Json& pod) { return label_of(pod, "controller-revision-hash"); }

std::string controller_uid_of(const Json& object) {
    const Json* owners = find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || !owners->is_array()) return "";
    for (const Json& one : *owners) {
        if (bool_at(one, "/controller", false)) return text_at(one, "/uid");
    }
    return "";
}

long long min_ready_seconds_of(const Json& workload) { return number_at(workload, "/spec/minReadySeconds", 0); }

Json owners_without(const Json& object, const std::string& uid) {
    Json kept = Json::array();
    const Json* owners = find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || !owners->is_array()) return kept;
    for (const Json& one : *owners) {
        if (text_at(one, "/uid") != uid) kept.push_back(one);
    }
    return kept;
}

// As the StatefulSet controller writes it (stateful_set_utils.go addControllerRef's sibling for claims).
Json reference_to(const Json& owner) {
    return {{"apiVersion", text_at(owner, "/apiVersion")},
            {"kind", text_at(owner, "/kind")},
            {"name", name_of(owner)},
            {"uid", uid_of(owner)},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

long long restarts_of(const Json& pod) {
    long long restarts = 0;
    const Json* statuses = find_at(pod, "/status/containerStatuses");
    if (statuses == nullptr || !statuses->is_array()) return 0;
    for (const Json& one : *statuses) restarts += number_at(one, "/restartCount", 0);
    return restarts;
}

int ordinal_of_pod(const Json& set, const std::string& pod) {
    const std::string prefix = name_of(set) + "-";
    if (!starts_with(pod, prefix)) return -1;
    int ordinal = -1;
    const char* end = pod.data() + pod.size();
    const auto [at, error] = std::from_chars(pod.data() + prefix.size(), end, ordinal);
    return error == std::errc() && at == end && ordinal >= 0 ? ordinal : -1;
}

bool selected_by(const Json& set, const Json& object) {
    const Json* selector = find_at(set, "/spec/selector");
    return selector != nullptr && selector_matches(*selector, labels_of(object));
}

bool labelled_as_claim_of(const Json& set, const Json& claim) {
    const LabelMap labels = labels_of(claim), all = match_labels_of(set);
    return std::all_of(all.begin(), all.end(), [&](const auto& one) {
        const auto found = labels.find(one.first);
        return found != labels.end() && found->second == one.second;
    });
}

std::string uid_of_earlier_owner(const Json& set, const Json& object) {
    const Json* owners = find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || !owners->is_array()) return "";
    for (const Json& one : *owners) {
        const bool named = text_at(one, "/kind") == "StatefulSet" && text_at(one, "/name") == name_of(set);
        if (named && text_at(one, "/uid") != uid_of(set)) return text_at(one, "/uid");
    }
    return "";
}

}  // namespace holdfast::kube
