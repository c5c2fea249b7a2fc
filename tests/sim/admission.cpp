#include "tests/sim/admission.h"

#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/api.h"

namespace holdfast::sim {
namespace {

// pkg/api/persistentvolumeclaim/util.go: a dataSource of anything but a claim or a snapshot is dropped without a word;
// what is left stands in both fields.
void admit_source(Json& spec) {
    const std::string group = kube::text_at(spec, "/dataSource/apiGroup"),
                      kind = kube::text_at(spec, "/dataSource/kind");
    const bool known = (kind == "PersistentVolumeClaim" && group.empty()) ||
                       (kind == "VolumeSnapshot" && group == "snapshot.storage.k8s.io");
    if (!known && !spec.contains("dataSourceRef")) spec.erase("dataSource");
    for (const auto& [from, to] :
         {std::pair("dataSource", "dataSourceRef"), std::pair("dataSourceRef", "dataSource")}) {
        if (!spec.contains(from) || spec.contains(to)) continue;
        const Json source = spec[from];
        spec[to] = source;
    }
}

// pkg/apis/core/v1/defaults.go, plugin/pkg/admission/storage, pkg/registry/core/persistentvolumeclaim.
void admit_claim(const Sim& sim, Json& claim) {
    add_finalizer(claim, "kubernetes.io/pvc-protection");
    claim["status"] = {{"phase", "Pending"}};
    Json& spec = claim["spec"];  // nothing is added to the claim from here on
    if (!spec.contains("volumeMode")) spec["volumeMode"] = "Filesystem";
    admit_source(spec);
    if (spec.contains("storageClassName")) return;
    for (const ObjectPtr& one : sim.store.list(kube::kStorageClasses, "")) {
        const kube::StorageClass storage_class = kube::storage_class_of(*one);
        if (storage_class.is_default) spec["storageClassName"] = storage_class.name;
    }
}

void admit_volume(Json& volume) {
    add_finalizer(volume, "kubernetes.io/pv-protection");
    if (!volume["spec"].contains("persistentVolumeReclaimPolicy"))
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain";
    if (!volume["spec"].contains("volumeMode")) volume["spec"]["volumeMode"] = "Filesystem";
    volume["status"] = {{"phase", "Pending"}};
}

void admit_pod(Json& pod) {
    pod["status"] = {{"phase", "Pending"}};
    if (!pod["spec"].contains("terminationGracePeriodSeconds")) pod["spec"]["terminationGracePeriodSeconds"] = 30;
}

void admit_set(Json& set) {
    Json& spec = set["spec"];
    if (!spec.contains("replicas")) spec["replicas"] = 1;
    if (!spec.contains("podManagementPolicy")) spec["podManagementPolicy"] = "OrderedReady";
    if (!spec.contains("persistentVolumeClaimRetentionPolicy"))
        spec["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}};
    if (!spec.contains("updateStrategy"))
        spec["updateStrategy"] = {{"type", "RollingUpdate"}, {"rollingUpdate", {{"partition", 0}}}};
    set["status"] = {{"replicas", 0}};
}

// A field given as null is a field not given.
void drop_nulls(Json& value) {
    if (value.is_array()) {
        for (Json& one : value) drop_nulls(one);
        return;
    }
    if (!value.is_object()) return;
    for (auto at = value.begin(); at != value.end();) {
        if (at->is_null()) {
            at = value.erase(at);
            continue;
        }
        drop_nulls(*at);
        ++at;
    }
}

}  // namespace

Json admitted(const Sim& sim, const Json& manifest, const kube::ObjectRef& ref) {
    Json object = manifest;
    drop_nulls(object);
    Json& metadata = object["metadata"];
    for (const char* key :
         {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"})
        metadata.erase(key);
    if (ref.resource == kube::kClaims) admit_claim(sim, object);
    if (ref.resource == kube::kVolumes) admit_volume(object);
    if (ref.resource == kube::kStatefulSets) admit_set(object);
    if (ref.resource == kube::kPods) admit_pod(object);
    if (ref.resource == kube::kNamespaces) object["status"] = {{"phase", "Active"}};
    if (ref.resource == kube::kSnapshots || ref.resource == kube::kSnapshotContents) object.erase("status");
    return object;
}

}  // namespace holdfast::sim
