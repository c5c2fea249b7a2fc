#include "common/copies/pods.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

namespace holdfast::copies {
namespace {

void copy(Json& target, const char* key, const Json& value) {
    if (!value.is_null()) target[key] = value;
}

Json picked(const Json& object, std::initializer_list<const char*> keys) {
    Json result = Json::object();
    if (!object.is_object()) return result;
    for (const char* key : keys) {
        const auto found = object.find(key);
        if (found != object.end() && !found->is_null()) result[key] = *found;
    }
    return result;
}

}  // namespace

void place(Json& pod_spec, const kube::Placement& placement, const Json& topology) {
    copy(pod_spec, "nodeSelector", placement.node_selector);
    copy(pod_spec, "affinity", placement.affinity);
    copy(pod_spec, "tolerations", placement.tolerations);
    copy(pod_spec, "topologySpreadConstraints", placement.spread);
    if (!placement.scheduler.empty()) pod_spec["schedulerName"] = placement.scheduler;
    if (!placement.runtime_class.empty()) pod_spec["runtimeClassName"] = placement.runtime_class;
    if (!topology.is_array() || topology.empty()) return;
    const Json* own = kube::find_at(
        pod_spec, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    Json terms = kube::both_topologies(own == nullptr ? Json() : *own, topology);
    Json& affinity = pod_spec["affinity"];
    if (!affinity.is_object()) affinity = Json::object();
    affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] = std::move(terms);
}

Json topology_of(const std::vector<const Member*>& members) {
    Json terms;
    for (const Member* member : members) {
        if (member->old_volume) terms = kube::both_topologies(terms, member->old_volume->topology);
    }
    return terms;
}

kube::Placement without_pod_terms(kube::Placement placement) {
    placement.spread = Json();
    if (placement.affinity.is_object()) {
        placement.affinity.erase("podAffinity");
        placement.affinity.erase("podAntiAffinity");
    }
    return placement;
}

Json consumer_manifest(const Consumer& consumer, const kube::Placement& placement, const Json& topology) {
    Json container = {{"name", "consumer"},
                      {"image", consumer.image},
                      {"imagePullPolicy", "IfNotPresent"},
                      {"command", {"sleep", "600"}},
                      {"securityContext",
                       {{"allowPrivilegeEscalation", false},
                        {"readOnlyRootFilesystem", true},
                        {"runAsNonRoot", true},
                        {"runAsUser", 65534},
                        {"capabilities", {{"drop", {"ALL"}}}}}}};
    Json volumes = Json::array();
    for (std::size_t i = 0; i < consumer.claims.size(); ++i) {
        const Consumer::Mount& mount = consumer.claims[i];
        const std::string suffix = i == 0 ? "" : "-" + std::to_string(i);
        const std::string name = "data" + suffix;
        if (mount.block)
            container["volumeDevices"].push_back({{"name", name}, {"devicePath", "/dev/holdfast" + suffix}});
        else
            container["volumeMounts"].push_back(
                {{"name", name}, {"mountPath", "/holdfast/" + name}, {"readOnly", true}});
        volumes.push_back(
            {{"name", name}, {"persistentVolumeClaim", {{"claimName", mount.claim}, {"readOnly", true}}}});
    }
    copy(container, "resources", consumer.resources);
    Json spec = {{"automountServiceAccountToken", false},
                 {"enableServiceLinks", false},
                 {"restartPolicy", "Never"},
                 {"terminationGracePeriodSeconds", 0},
                 {"securityContext", {{"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                 {"containers", Json::array({container})},
                 {"volumes", std::move(volumes)}};
    place(spec, placement, topology);
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata",
             {{"name", consumer.name}, {"namespace", consumer.space}, {"labels", {{labels::kRole, "consumer"}}}}},
            {"spec", std::move(spec)}};
}

Json tame_pod_security(const Json& recorded) {
    Json context =
        picked(recorded, {"runAsUser", "runAsGroup", "runAsNonRoot", "supplementalGroups", "supplementalGroupsPolicy",
                          "fsGroup", "fsGroupChangePolicy", "seLinuxOptions", "seccompProfile", "appArmorProfile"});
    if (!context.contains("seccompProfile")) context["seccompProfile"] = {{"type", "RuntimeDefault"}};
    return context;
}

Json tame_container_security(const Json& recorded) {
    Json context = picked(recorded, {"runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem",
                                     "seLinuxOptions", "seccompProfile", "appArmorProfile"});
    context["allowPrivilegeEscalation"] = false;
    const Json* drop = kube::find_at(recorded, "/capabilities/drop");
    if (drop != nullptr && drop->is_array()) context["capabilities"] = {{"drop", *drop}};
    return context;
}

}  // namespace holdfast::copies
