#include "tests/sim/admission.h"

#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/api.h"

namespace holdfast::sim {
namespace {

// pkg/apis/core/v1/defaults.go, plugin/pkg/admission/storage, pkg/registry/core/persistentvolumeclaim.
void admit_claim(const Sim& sim, Json& claim) {
    add_finalizer(claim, "kubernetes.io/pvc-protection");
    claim["status"] = {{"phase", "Pending"}};
    Json& spec = claim["spec"];  // nothing is added to the claim from here on
    if (!spec.contains("volumeMode")) spec["volumeMode"] = "Filesystem";
    if (spec.contains("dataSource") && !spec.contains("dataSourceRef")) {
        const Json source = spec["dataSource"];
        spec["dataSourceRef"] = source;
    }
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

void admit_set(Json& set) {
    Json& spec = set["spec"];
    if (!spec.contains("replicas")) spec["replicas"] = 1;
    if (!spec.contains("podManagementPolicy")) spec["podManagementPolicy"] = "OrderedReady";
    if (!spec.contains("persistentVolumeClaimRetentionPolicy"))
        spec["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}};
}

// Whether anything but `allowed` differs between the two specs.
bool differs(const Json& before, const Json& after, std::initializer_list<const char*> allowed) {
    Json left = before.value("spec", Json::object()), right = after.value("spec", Json::object());
    for (const char* key : allowed) {
        left.erase(key);
        right.erase(key);
    }
    return left != right;
}

Error immutable(const kube::ObjectRef& ref, const std::string& why) {
    return api_error(ErrorKind::kInvalid, 422, "Invalid",
                     ref.resource.kind + " \"" + ref.name + "\" is invalid: spec: Forbidden: " + why);
}

}  // namespace

Json admitted(const Sim& sim, const Json& manifest, const kube::ObjectRef& ref) {
    Json object = manifest;
    if (ref.resource == kube::kClaims) admit_claim(sim, object);
    if (ref.resource == kube::kVolumes) admit_volume(object);
    if (ref.resource == kube::kStatefulSets) admit_set(object);
    if (ref.resource == kube::kPods) object["status"] = {{"phase", "Pending"}};
    if (ref.resource == kube::kNamespaces) object["status"] = {{"phase", "Active"}};
    if (ref.resource == kube::kSnapshots || ref.resource == kube::kSnapshotContents) object.erase("status");
    return object;
}

// ValidatePersistentVolumeClaimUpdate: core/validation/validation.go:2532; ValidatePersistentVolumeUpdate: 2264;
// ValidateStatefulSetUpdate: apps/validation/validation.go:238.
Status check_update(const kube::ObjectRef& ref, const Json& before, const Json& after) {
    if (ref.resource == kube::kClaims && differs(before, after, {"resources", "volumeAttributesClassName"}))
        return immutable(ref,
                         "spec is immutable after creation except resources.requests and "
                         "volumeAttributesClassName for bound claims");
    if (ref.resource == kube::kStatefulSets &&
        differs(before, after,
                {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                 "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}))
        return immutable(ref,
                         "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                         "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                         "'minReadySeconds' are forbidden");
    if (ref.resource == kube::kVolumes && before["spec"].value("csi", Json()) != after["spec"].value("csi", Json()))
        return immutable(ref, "spec.persistentvolumesource is immutable after creation");
    return {};
}

}  // namespace holdfast::sim
