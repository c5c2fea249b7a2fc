#include "common/kube/resource.h"

#include "common/core/percent.h"
#include "common/kube/adopting.h"

#include <array>

namespace holdfast::kube {

const Resource kPods{"", "v1", "pods", "Pod", "pod", true};
const Resource kClaims{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", true};
const Resource kVolumes{"", "v1", "persistentvolumes", "PersistentVolume", "pv", false};
const Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", "configmap", true};
const Resource kSecrets{"", "v1", "secrets", "Secret", "secret", true};
const Resource kEvents{"", "v1", "events", "Event", "event", true};
const Resource kNamespaces{"", "v1", "namespaces", "Namespace", "namespace", false};
const Resource kNodes{"", "v1", "nodes", "Node", "node", false};
const Resource kServices{"", "v1", "services", "Service", "service", true};
const Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount", true};
const Resource kResourceQuotas{"", "v1", "resourcequotas", "ResourceQuota", "quota", true};
const Resource kLimitRanges{"", "v1", "limitranges", "LimitRange", "limitrange", true};
const Resource kStatefulSets{"apps", "v1", "statefulsets", "StatefulSet", "sts", true};
const Resource kDeployments{"apps", "v1", "deployments", "Deployment", "deploy", true};
const Resource kDaemonSets{"apps", "v1", "daemonsets", "DaemonSet", "daemonset", true};
const Resource kReplicaSets{"apps", "v1", "replicasets", "ReplicaSet", "rs", true};
const Resource kReplicationControllers{"", "v1", "replicationcontrollers", "ReplicationController", "rc", true};
const Resource kControllerRevisions{"apps", "v1", "controllerrevisions", "ControllerRevision", "controllerrevision",
                                    true};
const Resource kJobs{"batch", "v1", "jobs", "Job", "job", true};
const Resource kCronJobs{"batch", "v1", "cronjobs", "CronJob", "cronjob", true};
const Resource kStorageClasses{"storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", false};
const Resource kCsiDrivers{"storage.k8s.io", "v1", "csidrivers", "CSIDriver", "csidriver", false};
const Resource kCsiNodes{"storage.k8s.io", "v1", "csinodes", "CSINode", "csinode", false};
const Resource kVolumeAttachments{"storage.k8s.io",   "v1", "volumeattachments", "VolumeAttachment",
                                  "volumeattachment", false};
const Resource kPersistentVolumeAttributesClasses{"storage.k8s.io",        "v1",  "volumeattributesclasses",
                                                  "VolumeAttributesClass", "vac", false};
const Resource kSnapshots{"snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", "vs", true};
const Resource kSnapshotContents{"snapshot.storage.k8s.io", "v1",  "volumesnapshotcontents",
                                 "VolumeSnapshotContent",   "vsc", false};
const Resource kSnapshotClasses{"snapshot.storage.k8s.io", "v1",      "volumesnapshotclasses",
                                "VolumeSnapshotClass",     "vsclass", false};
const Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease", "lease", true};
const Resource kIngresses{"networking.k8s.io", "v1", "ingresses", "Ingress", "ingress", true};
const Resource kNetworkPolicies{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", true};
const Resource kPodDisruptionBudgets{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", true};
const Resource kHorizontalPodAutoscalers{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
                                         "hpa",         true};
const Resource kAccessReviews{"authorization.k8s.io",    "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
                              "selfsubjectaccessreview", false};

namespace {

// kubectl's other short names (kubectl api-resources), for words that users type.
struct Entry {
    const Resource* resource;
    std::array<std::string_view, 2> aliases;
};

constexpr std::array kAll{
    Entry{&kPods, {"po", ""}},
    Entry{&kClaims, {}},
    Entry{&kVolumes, {}},
    Entry{&kConfigMaps, {"cm", ""}},
    Entry{&kSecrets, {}},
    Entry{&kEvents, {"ev", ""}},
    Entry{&kNamespaces, {"ns", ""}},
    Entry{&kNodes, {"no", ""}},
    Entry{&kServices, {"svc", ""}},
    Entry{&kServiceAccounts, {"sa", ""}},
    Entry{&kResourceQuotas, {}},
    Entry{&kLimitRanges, {"limits", ""}},
    Entry{&kStatefulSets, {}},
    Entry{&kDeployments, {}},
    Entry{&kDaemonSets, {"ds", ""}},
    Entry{&kReplicaSets, {}},
    Entry{&kReplicationControllers, {}},
    Entry{&kControllerRevisions, {}},
    Entry{&kJobs, {}},
    Entry{&kCronJobs, {"cj", ""}},
    Entry{&kStorageClasses, {}},
    Entry{&kCsiDrivers, {}},
    Entry{&kCsiNodes, {}},
    Entry{&kVolumeAttachments, {}},
    Entry{&kPersistentVolumeAttributesClasses, {}},
    Entry{&kSnapshots, {}},
    Entry{&kSnapshotContents, {"vscs", ""}},
    Entry{&kSnapshotClasses, {"vsclasses", ""}},
    Entry{&kLeases, {}},
    Entry{&kIngresses, {"ing", ""}},
    Entry{&kNetworkPolicies, {}},
    Entry{&kPodDisruptionBudgets, {}},
    Entry{&kHorizontalPodAutoscalers, {}},
    Entry{&kAccessReviews, {}},
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// One segment of a path. A segment of dots alone would be taken for a directory by proxies, so its dots are encoded
// too.
std::string encode_segment(std::string_view text) {
    if (text.find_first_not_of('.') != std::string_view::npos) return percent_encode(text);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) out += "%2E";
    return out;
}

}  // namespace

std::vector<const Resource*> adopting_resources() {
    return {&kStatefulSets, &kDaemonSets, &kReplicaSets, &kReplicationControllers, &kJobs};
}

std::string ObjectRef::text() const {
    std::string out = resource.short_name;
    if (!space.empty()) out += "/" + space;
    if (!name.empty()) out += "/" + name;
    return out;
}

const Resource* find_resource(std::string_view word) {
    const std::string typed = lower(word);
    const auto dot = typed.find('.');
    const std::string base = typed.substr(0, dot);
    const std::string rest = dot == std::string::npos ? "" : typed.substr(dot + 1);
    for (const Entry& entry : kAll) {
        const Resource& r = *entry.resource;
        const bool named = base == r.plural || base == lower(r.kind) || base == r.short_name ||
                           (!base.empty() && (base == entry.aliases[0] || base == entry.aliases[1]));
        if (!named) continue;
        if (dot == std::string::npos || (!r.group.empty() && (rest == r.group || rest == r.version + "." + r.group)))
            return &r;
    }
    return nullptr;
}

const Resource* find_kind(std::string_view group, std::string_view kind) {
    for (const Entry& entry : kAll) {
        if (entry.resource->group == group && entry.resource->kind == kind) return entry.resource;
    }
    return nullptr;
}

const Resource* find_plural(std::string_view group, std::string_view plural) {
    for (const Entry& entry : kAll) {
        if (entry.resource->group == group && entry.resource->plural == plural) return entry.resource;
    }
    return nullptr;
}

std::string collection_path(const Resource& resource, std::string_view space) {
    std::string path = resource.group.empty() ? "/api/" : "/apis/" + encode_segment(resource.group) + "/";
    path += encode_segment(resource.version);
    if (!space.empty() && resource.namespaced) path += "/namespaces/" + encode_segment(space);
    return path + "/" + resource.plural;
}

std::string object_path(const ObjectRef& ref, std::string_view subresource) {
    std::string path = collection_path(ref.resource, ref.space);
    if (!ref.name.empty()) path += "/" + encode_segment(ref.name);
    if (!subresource.empty()) path += "/" + std::string(subresource);
    return path;
}

}  // namespace holdfast::kube
