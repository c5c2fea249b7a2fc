#include "common/kube/objects/pod_references.h"

#include "common/kube/objects/workload.h"

namespace holdfast::kube {
namespace {

const Json& list_at(const Json& object, const char* pointer) {
    static const Json kNone = Json::array();
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
}

class Collecting {
  public:
    explicit Collecting(bool optional) : optional_(optional) {}

    PodReferences run(const Json& pod_spec) {
        for (const Json& volume : list_at(pod_spec, "/volumes")) take_volume(volume);
        for (const char* kind : {"/initContainers", "/containers", "/ephemeralContainers"}) {
            for (const Json& container : list_at(pod_spec, kind)) take_container(container);
        }
        for (const Json& one : list_at(pod_spec, "/imagePullSecrets")) take(found_.secrets, &one);
        found_.service_account = text_at(pod_spec, "/serviceAccountName");
        if (found_.service_account == "default") found_.service_account.clear();
        return std::move(found_);
    }

  private:
    // {"name": …, "optional": true} under one of the names that the API has for it.
    void take(std::set<std::string>& names, const Json* reference, const char* name = "/name") const {
        if (reference == nullptr || (!optional_ && bool_at(*reference, "/optional", false))) return;
        const std::string called = text_at(*reference, name);
        if (!called.empty()) names.insert(called);
    }

    void take_volume(const Json& volume) {
        take(found_.config_maps, find_at(volume, "/configMap"));
        take(found_.secrets, find_at(volume, "/secret"), "/secretName");
        for (const Json& source : list_at(volume, "/projected/sources")) {
            take(found_.config_maps, find_at(source, "/configMap"));
            take(found_.secrets, find_at(source, "/secret"));
        }
        for (const char* place :
             {"/csi/nodePublishSecretRef", "/cephfs/secretRef", "/rbd/secretRef", "/iscsi/secretRef",
              "/flexVolume/secretRef", "/scaleIO/secretRef", "/storageos/secretRef"})
            take(found_.secrets, find_at(volume, place));
        take(found_.secrets, find_at(volume, "/azureFile"), "/secretName");
    }

    void take_container(const Json& container) {
        for (const Json& one : list_at(container, "/envFrom")) {
            take(found_.config_maps, find_at(one, "/configMapRef"));
            take(found_.secrets, find_at(one, "/secretRef"));
        }
        for (const Json& one : list_at(container, "/env")) {
            take(found_.config_maps, find_at(one, "/valueFrom/configMapKeyRef"));
            take(found_.secrets, find_at(one, "/valueFrom/secretKeyRef"));
        }
    }

    const bool optional_;
    PodReferences found_;
};

void take_names(const Json& list, const char* name, std::set<std::string>& names) {
    for (const Json& one : list) names.insert(text_at(one, name));
    names.erase("");
}

}  // namespace

PodReferences references_of(const Json& pod_spec, bool optional) { return Collecting(optional).run(pod_spec); }

std::set<std::string> secrets_of_account(const Json& account) {
    std::set<std::string> names;
    take_names(list_at(account, "/secrets"), "/name", names);
    take_names(list_at(account, "/imagePullSecrets"), "/name", names);
    return names;
}

std::set<std::string> secrets_of_ingress(const Json& ingress) {
    std::set<std::string> names;
    take_names(list_at(ingress, "/spec/tls"), "/secretName", names);
    return names;
}

std::set<std::string> services_of_ingress(const Json& ingress) {
    std::set<std::string> names = {text_at(ingress, "/spec/defaultBackend/service/name")};
    for (const Json& rule : list_at(ingress, "/spec/rules"))
        take_names(list_at(rule, "/http/paths"), "/backend/service/name", names);
    names.erase("");
    return names;
}

}  // namespace holdfast::kube
