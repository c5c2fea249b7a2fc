#include "plugins/clone/copied.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// Of whoever deploys the source: a copy that carries them would be taken for theirs, and pruned.
bool is_deployers(const std::string& key) {
    static constexpr const char* kPrefixes[] = {"kubectl.kubernetes.io/last-applied",
                                                "deployment.kubernetes.io/",
                                                "meta.helm.sh/",
                                                "helm.sh/",
                                                "argocd.argoproj.io/",
                                                "kustomize.toolkit.fluxcd.io/",
                                                "helm.toolkit.fluxcd.io/",
                                                "holdfast.dev/"};
    return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                       [&](const char* prefix) { return starts_with(key, prefix); });
}

}  // namespace

Json without_deployers(const Json& map) {
    Json kept = Json::object();
    if (!map.is_object()) return kept;
    for (const auto& [key, value] : map.items()) {
        if (!is_deployers(key)) kept[key] = value;
    }
    return kept;
}

void name_instance(Json& labels, const std::string& name) {
    if (labels.contains(kInstance)) labels[kInstance] = name;
}

Json value_or_empty(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_object() ? *found : Json::object();
}

std::vector<std::string> take_off_node(Json& pod_spec) {
    std::vector<std::string> taken;
    if (kube::bool_at(pod_spec, "/hostNetwork", false)) {
        pod_spec.erase("hostNetwork");
        taken.push_back("hostNetwork");
    }
    for (const char* kind : {"containers", "initContainers"}) {
        if (!pod_spec.contains(kind)) continue;
        for (Json& container : pod_spec[kind]) {
            if (!container.contains("ports")) continue;
            for (Json& port : container["ports"]) {
                if (port.erase("hostPort") == 0) continue;
                taken.push_back("hostPort of container " + kube::text_at(container, "/name"));
            }
        }
    }
    return taken;
}

Json service_copy(const CloneOptions& options, const Json& service, const std::string& name, Json labels) {
    Json made = {
        {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", {{"name", name}, {"namespace", options.to_space}}}};
    name_instance(labels, options.name);
    made["metadata"]["labels"] = std::move(labels);
    made["metadata"]["annotations"] = Json::object();
    made["spec"] = value_or_empty(service, "spec");
    // What the cluster gave to the source's is not the clone's to have.
    for (const char* key :
         {"clusterIPs", "ipFamilies", "externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort",
          "loadBalancerIP", "loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"})
        made["spec"].erase(key);
    made["spec"]["clusterIP"] = "None";
    made["spec"]["type"] = "ClusterIP";
    made["spec"]["selector"] = {{labels::kClone, options.name}};
    for (Json& port : made["spec"]["ports"]) port.erase("nodePort");
    return made;
}

Json isolation_policy(const CloneOptions& options) {
    const Json own = {{"matchLabels", {{labels::kClone, options.name}}}};
    return {{"apiVersion", "networking.k8s.io/v1"},
            {"kind", "NetworkPolicy"},
            {"metadata",
             {{"name", options.name + "-isolated"},
              {"namespace", options.to_space},
              {"labels", Json::object()},
              {"annotations", Json::object()}}},
            {"spec",
             {{"podSelector", own},
              {"policyTypes", Json::array({"Egress"})},
              {"egress", Json::array({{{"to", Json::array({{{"podSelector", own}}})}}})}}}};
}

Json object_copy(const CloneOptions& options, const kube::Resource& resource, const std::string& name,
                 const Json& object) {
    Json copy = {{"apiVersion", resource.api_version()},
                 {"kind", resource.kind},
                 {"metadata", {{"name", name}, {"namespace", options.to_space}}}};
    const Json metadata = value_or_empty(object, "metadata");
    copy["metadata"]["labels"] = without_deployers(value_or_empty(metadata, "labels"));
    name_instance(copy["metadata"]["labels"], options.name);
    copy["metadata"]["annotations"] = Json::object();
    for (const char* key : {"data", "binaryData", "type", "immutable"}) {
        if (object.contains(key)) copy[key] = object[key];
    }
    return copy;
}

}  // namespace holdfast::clone
