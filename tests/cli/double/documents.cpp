#include "tests/cli/double/documents.h"

#include "common/kube/adopting.h"

namespace holdfast::double_ {

namespace {

using namespace holdfast::kube;

const std::vector<const Resource*>& served() {
    static const std::vector<const Resource*> kAll{&kPods,
                                                   &kClaims,
                                                   &kVolumes,
                                                   &kConfigMaps,
                                                   &kSecrets,
                                                   &kEvents,
                                                   &kNamespaces,
                                                   &kNodes,
                                                   &kServices,
                                                   &kServiceAccounts,
                                                   &kResourceQuotas,
                                                   &kLimitRanges,
                                                   &kStatefulSets,
                                                   &kDeployments,
                                                   &kDaemonSets,
                                                   &kReplicaSets,
                                                   &kReplicationControllers,
                                                   &kControllerRevisions,
                                                   &kJobs,
                                                   &kCronJobs,
                                                   &kStorageClasses,
                                                   &kCsiDrivers,
                                                   &kCsiNodes,
                                                   &kVolumeAttachments,
                                                   &kSnapshots,
                                                   &kSnapshotContents,
                                                   &kSnapshotClasses,
                                                   &kLeases,
                                                   &kIngresses,
                                                   &kNetworkPolicies,
                                                   &kPodDisruptionBudgets,
                                                   &kHorizontalPodAutoscalers,
                                                   &kAccessReviews};
    return kAll;
}

Json groups(bool core) {
    std::map<std::pair<std::string, std::string>, Json> by_version;
    for (const Resource* one : served()) {
        if (one->group.empty() != core) continue;
        Json& list = by_version[{one->group, one->version}];
        list.push_back(Json{{"resource", one->plural},
                            {"responseKind", {{"group", one->group}, {"version", one->version}, {"kind", one->kind}}},
                            {"scope", one->namespaced ? "Namespaced" : "Cluster"},
                            {"verbs", {"create", "delete", "get", "list", "patch", "update", "watch"}}});
    }
    Json items = Json::array();
    for (const auto& [id, resources] : by_version) {
        items.push_back(
            Json{{"metadata", {{"name", id.first}}},
                 {"versions",
                  Json::array({Json{{"version", id.second}, {"resources", resources}, {"freshness", "Current"}}})}});
    }
    return Json{{"kind", "APIGroupDiscoveryList"},
                {"apiVersion", "apidiscovery.k8s.io/v2"},
                {"metadata", Json::object()},
                {"items", items}};
}

}  // namespace

std::optional<Json> discovery_document(const std::string& path) {
    if (path == "/api") return groups(true);
    if (path == "/apis") return groups(false);
    if (path == "/version") return Json{{"major", "1"}, {"minor", "36"}, {"gitVersion", "v1.36.0-double"}};
    return std::nullopt;
}

}  // namespace holdfast::double_
