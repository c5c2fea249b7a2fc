#include "plugins/clone/containers.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::clone {

const Json& list_of_container(const Json& container, const char* key) {
    static const Json kNone = Json::array();
    const auto found = container.find(key);
    return found != container.end() && found->is_array() ? *found : kNone;
}

const Json& containers_in(const Json& pod_spec) {
    static const Json kNone = Json::array();
    if (!pod_spec.is_object()) return kNone;
    return list_of_container(pod_spec, "containers");
}

bool is_bitnami(const Json& container) {
    if (kube::text_at(container, "/image").find("bitnami") != std::string::npos) return true;
    for (const Json& mount : list_of_container(container, "volumeMounts")) {
        if (starts_with(kube::text_at(mount, "/mountPath"), "/bitnami")) return true;
    }
    return false;
}

std::vector<std::string> words_of(const Json& container) {
    std::vector<std::string> words;
    for (const char* key : {"command", "args"}) {
        for (const Json& one : list_of_container(container, key)) {
            if (one.is_string()) words.push_back(one.get<std::string>());
        }
    }
    return words;
}

std::vector<Placed> all_containers(const Json& pod_spec) {
    std::vector<Placed> all;
    if (!pod_spec.is_object()) return all;
    for (const char* kind : {"containers", "initContainers"}) {
        std::size_t place = 0;
        for (const Json& container : list_of_container(pod_spec, kind)) {
            const bool stays =
                std::string(kind) == "containers" || kube::text_at(container, "/restartPolicy") == "Always";
            all.push_back({&container, kind + ("[" + std::to_string(place++) + "]"), stays});
        }
    }
    return all;
}

const Placed* placed_of(const std::vector<Placed>& all, const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Placed& one) { return kube::text_at(*one.container, "/name") == name; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace holdfast::clone
