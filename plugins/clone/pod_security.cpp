#include "plugins/clone/pod_security.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <vector>

namespace holdfast::clone {
namespace {

const Json& list_of(const Json& object, const char* pointer) {
    static const Json kNone = Json::array();
    const Json* found = kube::find_at(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
}

void look_at_baseline(const Json& pod, std::vector<std::string>& against) {
    for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
        if (kube::bool_at(pod, std::string("/") + field, false)) against.push_back(field);
    }
    for (const Json& volume : list_of(pod, "/volumes")) {
        if (kube::find_at(volume, "/hostPath") != nullptr)
            against.push_back("hostPath volume " + kube::text_at(volume, "/name"));
    }
}

void look_at_container(const Json& container, std::vector<std::string>& against) {
    const std::string of = " of container " + kube::text_at(container, "/name");
    if (kube::bool_at(container, "/securityContext/privileged", false)) against.push_back("privileged" + of);
    for (const Json& port : list_of(container, "/ports")) {
        if (kube::number_at(port, "/hostPort", 0) != 0) against.push_back("hostPort" + of);
    }
    if (!list_of(container, "/securityContext/capabilities/add").empty()) against.push_back("capabilities.add" + of);
}

bool drops_all(const Json& container) {
    for (const Json& one : list_of(container, "/securityContext/capabilities/drop")) {
        if (one == "ALL") return true;
    }
    return false;
}

void look_at_restricted(const Json& pod, const Json& container, std::vector<std::string>& against) {
    const std::string of = " of container " + kube::text_at(container, "/name");
    const auto either = [&](const char* field) {
        const Json* own = kube::find_at(container, std::string("/securityContext/") + field);
        return own != nullptr ? own : kube::find_at(pod, std::string("/securityContext/") + field);
    };
    const Json* non_root = either("runAsNonRoot");
    if (non_root == nullptr || *non_root != true) against.push_back("runAsNonRoot is not true" + of);
    if (kube::bool_at(container, "/securityContext/allowPrivilegeEscalation", true))
        against.push_back("allowPrivilegeEscalation is not false" + of);
    if (!drops_all(container)) against.push_back("capabilities.drop lacks ALL" + of);
    if (either("seccompProfile") == nullptr) against.push_back("no seccompProfile" + of);
}

struct Admission {
    const char *whom, *hint;
};

Status check_level(const std::string& level, const std::string& space, const Json& pod_spec, const Admission& of) {
    if (level != "baseline" && level != "restricted") return {};
    std::vector<std::string> against;
    look_at_baseline(pod_spec, against);
    for (const char* kind : {"/initContainers", "/containers"}) {
        for (const Json& container : list_of(pod_spec, kind)) {
            look_at_container(container, against);
            if (level == "restricted") look_at_restricted(pod_spec, container, against);
        }
    }
    if (against.empty()) return {};
    return refused("namespace " + space + " enforces pod security level " + level + ", which does not admit " +
                       of.whom + ": " + join(against, ", "),
                   of.hint);
}

}  // namespace

Status check_pod_security(const std::string& level, const std::string& space, const Json& pod_spec) {
    return check_level(level, space, pod_spec,
                       {"the clone's pods", "change these with --set, or clone to a namespace with another level"});
}

Status check_throwaway_security(const std::string& level, const std::string& space, const Json& pod_spec) {
    return check_level(level, space, pod_spec,
                       {"the throwaway database that prepares the data, which runs as the source's container does",
                        "clone to a namespace with another level"});
}

}  // namespace holdfast::clone
