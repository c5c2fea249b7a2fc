#include "common/kube/objects/pod_references.h"

#include "common/kube/objects/workload.h"

namespace holdfast::kube {
namespace {

const Json& list_at(const Json& object, const char* pointer) {
    static const Json kNone = Json::array();
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
}

// {"name": …, "optional": true} under one of the names that the API has for it.
void take_reference(std::set<std::string>& names, const Json* reference, const char* name = "/name") {
    if (reference == nullptr || bool_at(*reference, "/optional", false)) return;
    const std::string called = text_at(*reference, name);
    if (!called.empty()) names.insert(called);
}

void take_volume(PodReferences& found, const Json& volume) {
    take_reference(found.config_maps, find_at(volume, "/configMap"));
    take_reference(found.secrets, find_at(volume, "/secret"), "/secretName");
    for (const Json& source : list_at(volume, "/projected/sources")) {
        take_reference(found.config_maps, find_at(source, "/configMap"));
        take_reference(found.secrets, find_at(source, "/secret"));
    }
    for (const char* place : {"/csi/nodePublishSecretRef", "/cephfs/secretRef", "/rbd/secretRef", "/iscsi/secretRef"})
        take_reference(found.secrets, find_at(volume, place));
}

void take_container(PodReferences& found, const Json& container) {
    for (const Json& one : list_at(container, "/envFrom")) {
        take_reference(found.config_maps, find_at(one, "/configMapRef"));
        take_reference(found.secrets, find_at(one, "/secretRef"));
    }
    for (const Json& one : list_at(container, "/env")) {
        take_reference(found.config_maps, find_at(one, "/valueFrom/configMapKeyRef"));
        take_reference(found.secrets, find_at(one, "/valueFrom/secretKeyRef"));
    }
}

}  // namespace

PodReferences references_of(const Json& pod_spec) {
    PodReferences found;
    for (const Json& volume : list_at(pod_spec, "/volumes")) take_volume(found, volume);
    for (const char* kind : {"/initContainers", "/containers"}) {
        for (const Json& container : list_at(pod_spec, kind)) take_container(found, container);
    }
    for (const Json& one : list_at(pod_spec, "/imagePullSecrets")) take_reference(found.secrets, &one);
    found.service_account = text_at(pod_spec, "/serviceAccountName");
    if (found.service_account == "default") found.service_account.clear();
    return found;
}

}  // namespace holdfast::kube
