#include "common/kube/objects/lifecycle.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace holdfast::kube {
namespace {

bool is_binders(const std::string& annotation) {
    constexpr std::array<const char*, 3> kPrefixes = {"pv.kubernetes.io/", "volume.kubernetes.io/",
                                                      "volume.beta.kubernetes.io/"};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [&](const char* prefix) { return starts_with(annotation, prefix); });
}

std::vector<std::string> access_modes_of(const Json& object) {
    std::vector<std::string> modes;
    const Json* array = find_at(object, "/spec/accessModes");
    if (array == nullptr || !array->is_array()) return modes;
    for (const Json& one : *array) {
        if (one.is_string()) modes.push_back(one.get<std::string>());
    }
    return modes;
}

std::string volume_mode_of(const Json& object) {
    const std::string mode = text_at(object, "/spec/volumeMode");
    return mode.empty() ? "Filesystem" : mode;
}

std::string or_none(const std::string& text) { return text.empty() ? "(none)" : escape_line(text); }

Json kept_annotations(const Json& old) {
    Json annotations = Json::object();
    const Json* found = find_at(old, "/metadata/annotations");
    if (found == nullptr || !found->is_object()) return annotations;
    for (const auto& [key, value] : found->items()) {
        if (!is_binders(key) && key != labels::kSource && key != labels::kRestoredFrom) annotations[key] = value;
    }
    return annotations;
}

}  // namespace

std::string phase_of(const Json& object) { return text_at(object, "/status/phase"); }
std::string volume_of_claim(const Json& claim) { return text_at(claim, "/spec/volumeName"); }
std::string request_text_of(const Json& claim) { return text_at(claim, "/spec/resources/requests/storage"); }
std::string class_of_claim(const Json& claim) { return text_at(claim, "/spec/storageClassName"); }
std::string attributes_class_of(const Json& claim) { return text_at(claim, "/spec/volumeAttributesClassName"); }
std::string reclaim_policy_of(const Json& volume) { return text_at(volume, "/spec/persistentVolumeReclaimPolicy"); }

std::vector<OwnerReference> owners_of(const Json& object) {
    std::vector<OwnerReference> owners;
    const Json* array = find_at(object, "/metadata/ownerReferences");
    if (array == nullptr || !array->is_array()) return owners;
    for (const Json& one : *array)
        owners.push_back(
            {text_at(one, "/kind"), text_at(one, "/name"), text_at(one, "/uid"), bool_at(one, "/controller", false)});
    return owners;
}

std::vector<std::string> claims_of_pod(const Json& pod) {
    std::vector<std::string> names;
    const Json* spec = find_at(pod, "/spec");
    if (spec == nullptr) return names;
    for (const auto& [volume, claim] : claims_of_pod_spec(*spec)) names.push_back(claim);
    const Json* volumes = find_at(*spec, "/volumes");
    if (volumes == nullptr || !volumes->is_array()) return names;
    for (const Json& volume : *volumes) {
        if (find_at(volume, "/ephemeral") != nullptr) names.push_back(name_of(pod) + "-" + text_at(volume, "/name"));
    }
    return names;
}

std::string replica_set_name(const std::string& deployment, const std::string& hash) {
    constexpr std::size_t kLongestName = 253;
    if (hash.empty() || hash.size() + 1 >= kLongestName) return "";
    return deployment.substr(0, kLongestName - hash.size() - 1) + "-" + hash;
}

bool job_ended(const Json& job) {
    const Json* conditions = find_at(job, "/status/conditions");
    if (conditions == nullptr || !conditions->is_array()) return false;
    return std::any_of(conditions->begin(), conditions->end(), [](const Json& one) {
        const std::string type = text_at(one, "/type");
        return (type == "Complete" || type == "Failed") && text_at(one, "/status") == "True";
    });
}

std::string node_of(const Json& pod) { return text_at(pod, "/spec/nodeName"); }

bool ended(const Json& pod) { return phase_of(pod) == "Succeeded" || phase_of(pod) == "Failed"; }

bool lost_with_its_node(const Json& pod) {
    const Json* conditions = find_at(pod, "/status/conditions");
    if (!deleting(pod) || conditions == nullptr || !conditions->is_array()) return false;
    return std::any_of(conditions->begin(), conditions->end(), [](const Json& one) {
        return text_at(one, "/type") == "DisruptionTarget" && text_at(one, "/status") == "True" &&
               text_at(one, "/reason") == "DeletionByTaintManager";
    });
}

long long grace_seconds_of(const Json& workload) {
    return number_at(workload, "/spec/template/spec/terminationGracePeriodSeconds", 30);
}

bool deletes_claims(const Json& stateful_set) {
    const std::string policy = "/spec/persistentVolumeClaimRetentionPolicy";
    return text_at(stateful_set, policy + "/whenDeleted") == "Delete" ||
           text_at(stateful_set, policy + "/whenScaled") == "Delete";
}

bool rolling_out(const Json& workload) {
    if (text_at(workload, "/kind") == "StatefulSet")
        return text_at(workload, "/status/currentRevision") != text_at(workload, "/status/updateRevision");
    return number_at(workload, "/status/updatedReplicas", 0) < number_at(workload, "/status/replicas", 0);
}

bool at_zero(const Json& workload) {
    return replicas_of(workload) == 0 && number_at(workload, "/status/replicas", 0) == 0 &&
           number_at(workload, "/status/observedGeneration", -1) == generation_of(workload);
}

long long generation_of(const Json& object) { return number_at(object, "/metadata/generation", 0); }

bool scales(const Json& autoscaler, const std::string& kind, const std::string& name) {
    return text_at(autoscaler, "/spec/scaleTargetRef/kind") == kind &&
           text_at(autoscaler, "/spec/scaleTargetRef/name") == name;
}

bool suspended(const Json& flux_object) { return bool_at(flux_object, "/spec/suspend", false); }

TemplateOfClaim template_of_claim(const Json& stateful_set, const std::string& claim) {
    const Json* templates = find_at(stateful_set, "/spec/volumeClaimTemplates");
    if (templates == nullptr || !templates->is_array()) return {};
    for (const Json& one : *templates) {
        const std::string prefix = name_of(one) + "-" + name_of(stateful_set) + "-";
        const std::string number = starts_with(claim, prefix) ? claim.substr(prefix.size()) : "";
        const bool digits =
            !number.empty() && number.size() < 9 && number.find_first_not_of("0123456789") == std::string::npos;
        if (digits) return {&one, std::stoi(number)};
    }
    return {};
}

Json renewed_claim(const Json& old, const Renewal& renewal) {
    Json claim = {{"apiVersion", "v1"},
                  {"kind", "PersistentVolumeClaim"},
                  {"metadata", {{"name", name_of(old)}, {"namespace", space_of(old)}}}};
    if (const Json* found = find_at(old, "/metadata/labels")) claim["metadata"]["labels"] = *found;
    Json annotations = kept_annotations(old);
    if (!renewal.source.empty()) annotations[labels::kRestoredFrom] = renewal.source;
    if (!annotations.empty()) claim["metadata"]["annotations"] = std::move(annotations);
    const Json* live = find_at(old, "/spec");
    Json spec = live != nullptr && live->is_object() ? *live : Json::object();
    for (const char* key : {"dataSource", "dataSourceRef"}) spec.erase(key);
    const std::string legacy = annotation_of(old, "volume.beta.kubernetes.io/storage-class");
    if (!legacy.empty()) spec["storageClassName"] = legacy;
    spec["resources"]["requests"]["storage"] = renewal.request;
    spec["volumeName"] = renewal.volume;
    claim["spec"] = std::move(spec);
    return claim;
}

Json claim_essence(const Json& claim) {
    Json essence = {{"apiVersion", "v1"},
                    {"kind", "PersistentVolumeClaim"},
                    {"metadata", {{"name", name_of(claim)}, {"namespace", space_of(claim)}}}};
    if (const Json* labels = find_at(claim, "/metadata/labels")) essence["metadata"]["labels"] = *labels;
    if (const Json* annotations = find_at(claim, "/metadata/annotations"))
        essence["metadata"]["annotations"] = *annotations;
    if (const Json* spec = find_at(claim, "/spec")) essence["spec"] = *spec;
    return essence;
}

std::string binding_obstacle(const std::string& what, const Json& wanted, const Json& offered, const Quantity& size) {
    const auto asked = Quantity::parse(request_text_of(wanted));
    if (!asked.ok()) return what + " asks for a size that cannot be read";
    if (*asked > size) return what + " asks for " + asked->text() + ", and the volume has " + size.text();
    if (volume_mode_of(wanted) != volume_mode_of(offered))
        return what + " has volumeMode " + volume_mode_of(wanted) + ", and the volume has " + volume_mode_of(offered);
    const std::vector<std::string> has = access_modes_of(offered);
    for (const std::string& mode : access_modes_of(wanted)) {
        if (std::find(has.begin(), has.end(), mode) == has.end())
            return what + " asks for access mode " + escape_line(mode) + ", and the volume has " + join(has, ", ");
    }
    if (attributes_class_of(wanted) != attributes_class_of(offered))
        return what + " has volumeAttributesClassName " + or_none(attributes_class_of(wanted)) +
               ", and the volume has " + or_none(attributes_class_of(offered));
    return "";
}

Json labelled_like(Json manifest, const Json& object) {
    for (const char* map : {"labels", "annotations"}) {
        const Json* now = find_at(object, std::string("/metadata/") + map);
        if (now != nullptr)
            manifest["metadata"][map] = *now;
        else
            manifest["metadata"].erase(map);
    }
    return manifest;
}

}  // namespace holdfast::kube
