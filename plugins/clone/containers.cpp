#include "plugins/clone/containers.h"

#include "common/kube/objects/workload.h"

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

}  // namespace holdfast::clone
