// What the API server refuses in an object that is made or changed, whoever asks for it.
#include "common/core/names.h"
#include "common/core/quantity.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/admission.h"
#include "tests/sim/api.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

Error invalid(const kube::ObjectRef& ref, const std::string& why) {
    return api_error(ErrorKind::kInvalid, 422, "Invalid",
                     ref.resource.kind + " \"" + ref.name + "\" is invalid: " + why);
}

Error forbidden(const kube::ObjectRef& ref, const std::string& why) {
    return api_error(ErrorKind::kForbidden, 403, "Forbidden",
                     ref.resource.qualified() + " \"" + ref.name + "\" is forbidden: " + why);
}

// apimachinery pkg/api/validation/objectmeta.go ValidateFinalizerName, pkg/apis/core/helper IsStandardFinalizerName.
bool is_finalizer(const std::string& name) {
    return name.find('/') != std::string::npos || name == "orphan" || name == "foregroundDeletion" ||
           name == "kubernetes";
}

Status check_finalizers(const kube::ObjectRef& ref, const Json& object) {
    const Json* all = kube::find_at(object, "/metadata/finalizers");
    for (const Json& one : all == nullptr ? Json::array() : *all) {
        if (!is_finalizer(one.get<std::string>()))
            return invalid(ref,
                           "metadata.finalizers: name is neither a standard finalizer name nor is it fully qualified");
    }
    return {};
}

// A ConfigMap's values are strings: the decoder says so before anything else.
Status check_types(const Json& object) {
    const Json* data = kube::find_at(object, "/data");
    if (data == nullptr || kube::text_at(object, "/kind") != "ConfigMap") return {};
    if (std::all_of(data->begin(), data->end(), [](const Json& value) { return value.is_string(); })) return {};
    return api_error(ErrorKind::kInvalid, 400, "BadRequest",
                     "json: cannot unmarshal into Go struct field ConfigMap.data");
}

// external-snapshotter client/config/crd: the rules of spec.source.
Status check_snapshot_source(const kube::ObjectRef& ref, const Json& object) {
    const bool claim = !kube::text_at(object, "/spec/source/persistentVolumeClaimName").empty();
    const bool content = !kube::text_at(object, "/spec/source/volumeSnapshotContentName").empty();
    if (claim != content) return {};
    return invalid(ref,
                   "spec.source: exactly one of volumeSnapshotContentName and persistentVolumeClaimName must be set");
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

// apimachinery pkg/api/validation/objectmeta.go ValidateObjectMetaAccessorUpdate.
Status check_metadata(const kube::ObjectRef& ref, const Json& before, const Json& after) {
    TRY(check_finalizers(ref, after));
    const Json* now = kube::find_at(after, "/metadata/finalizers");
    if (!kube::deleting(before) || now == nullptr) return {};
    for (const Json& one : *now) {
        if (!has_finalizer(before, one.get<std::string>()))
            return invalid(
                ref, "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted");
    }
    return {};
}

long long bytes_at(const Json& object, const std::string& pointer) {
    const auto size = Quantity::parse(kube::text_at(object, pointer));
    return size.ok() ? size->bytes() : 0;
}

// pkg/apis/core/validation ValidatePersistentVolumeClaimUpdate, plugin/pkg/admission/storage/persistentvolume/resize.
Status check_claim(const Sim& sim, const kube::ObjectRef& ref, const Json& before, const Json& after) {
    const bool bound = kube::text_at(before, "/status/phase") == "Bound";
    const bool unnamed = kube::text_at(before, "/spec/volumeName").empty();
    Json left = before, right = after;
    for (Json* one : {&left, &right}) {
        if (bound) (*one)["spec"]["resources"].erase("requests");
        if (unnamed) (*one)["spec"].erase("volumeName");
    }
    if (bound ? differs(left, right, {"volumeAttributesClassName"}) : differs(left, right, {}))
        return invalid(ref,
                       "spec: Forbidden: spec is immutable after creation except resources.requests and "
                       "volumeAttributesClassName for bound claims");
    const long long old_size = bytes_at(before, "/spec/resources/requests/storage");
    const long long new_size = bytes_at(after, "/spec/resources/requests/storage");
    if (new_size < old_size && new_size <= bytes_at(before, "/status/capacity/storage"))
        return invalid(ref, "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity");
    if (new_size <= old_size) return {};
    const ObjectPtr found = sim.store.find(kube::kStorageClasses, "", kube::text_at(before, "/spec/storageClassName"));
    if (found && kube::bool_at(*found, "/allowVolumeExpansion", false)) return {};
    return forbidden(
        ref,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
        "support resize");
}

}  // namespace

Status check_new(const kube::ObjectRef& ref, const Json& object) {
    TRY(check_types(object));
    if (!check_dns_subdomain(ref.name, "name").ok())
        return invalid(ref, "metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of ...");
    // apiserver pkg/storage/errors.go ErrResourceVersionSetOnCreate, which no handler translates.
    if (!kube::version_of(object).empty())
        return api_error(ErrorKind::kUnavailable, 500, "",
                         "resourceVersion should not be set on objects to be created");
    TRY(check_finalizers(ref, object));
    if (ref.resource == kube::kSnapshots) return check_snapshot_source(ref, object);
    return {};
}

Status check_update(const Sim& sim, const kube::ObjectRef& ref, const Json& before, const Json& after) {
    TRY(check_types(after));
    TRY(check_metadata(ref, before, after));
    if (ref.resource == kube::kClaims) return check_claim(sim, ref, before, after);
    if (ref.resource == kube::kStatefulSets &&
        differs(before, after,
                {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                 "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}))
        return invalid(ref,
                       "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                       "'template', 'updateStrategy', 'revisionHistoryLimit', "
                       "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    if (ref.resource == kube::kVolumes && before["spec"].value("csi", Json()) != after["spec"].value("csi", Json()))
        return invalid(
            ref, "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation");
    if (ref.resource == kube::kSnapshots &&
        before["spec"].value("source", Json()) != after["spec"].value("source", Json()))
        return invalid(ref, "spec.source: Invalid value: persistentVolumeClaimName is immutable");
    return {};
}

}  // namespace holdfast::sim
