// Which resource of the API: names that URLs, roles and messages are made of. Pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::kube {

struct Resource {
    std::string group;  // "" for core
    std::string version;
    std::string plural;      // "persistentvolumeclaims"
    std::string kind;        // "PersistentVolumeClaim"
    std::string short_name;  // as users and messages say it: "pvc", "sts", "vs"
    bool namespaced = true;

    std::string api_version() const { return group.empty() ? version : group + "/" + version; }
    // "volumesnapshots.snapshot.storage.k8s.io", or the plural for core.
    std::string qualified() const { return group.empty() ? plural : plural + "." + group; }
    friend bool operator==(const Resource&, const Resource&) = default;
};

// Of two clusters that one operation works on: the one that it was called for, where its journal lies, and the other
// one
// (--to-context).
enum class Site { kHere, kThere };

// One object. name "" stands for the collection (access reviews); space "" for cluster-scoped objects.
struct ObjectRef {
    Resource resource;
    std::string space;  // namespace
    std::string name;

    std::string text() const;  // "pvc/bookstore/data-postgres-0", cluster-scoped: "pv/pvc-1234": for messages
    friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};

extern const Resource kPods, kClaims, kVolumes, kConfigMaps, kSecrets, kEvents, kNamespaces, kNodes, kServices,
    kServiceAccounts, kResourceQuotas, kLimitRanges, kStatefulSets, kDeployments, kDaemonSets, kReplicaSets,
    kControllerRevisions, kJobs, kCronJobs, kStorageClasses, kCsiDrivers, kCsiNodes, kVolumeAttachments, kSnapshots,
    kSnapshotContents, kSnapshotClasses, kLeases, kIngresses, kNetworkPolicies, kPodDisruptionBudgets,
    kHorizontalPodAutoscalers, kAccessReviews, kPersistentVolumeAttributesClasses;

// The resource that a user's word means ("pvc", "persistentvolumeclaims", "sts", "statefulset.apps", ...), or nullptr.
const Resource* find_resource(std::string_view word);
// By group and kind, as in ownerReferences and dataSource; nullptr if we do not know it.
const Resource* find_kind(std::string_view group, std::string_view kind);
// By group, version and plural, as the journal writes it.
const Resource* find_plural(std::string_view group, std::string_view plural);

// "/api/v1/namespaces/NS/pods/NAME" and "/apis/GROUP/VERSION/…"; parts are percent-encoded.
std::string object_path(const ObjectRef& ref, std::string_view subresource = {});
std::string collection_path(const Resource& resource, std::string_view space);

}  // namespace holdfast::kube
