// What a controller says when it is refused an object that it should make: it stands on the controller, not on the
// object.
#include "common/core/text.h"
#include "common/diagnose/finding.h"

namespace holdfast::diagnose {

Finding judge_refusal(const kube::Event& event, const std::string& object, const std::string& lead) {
    const std::string by = to_lower(event.kind) + "/" + event.space + "/" + event.name;
    const std::size_t quota = event.message.find("exceeded quota");
    if (quota != std::string::npos) {
        return error({"refused-by-quota", object, "policy",
                      lead + by + " was refused it: " + event.message.substr(quota),
                      "raise that quota, or free some of it: `kubectl describe quota -n " + event.space +
                          "`; the controller then tries again by itself"});
    }
    const std::size_t security = event.message.find("violates PodSecurity");
    if (security != std::string::npos) {
        return error(
            {"refused-by-pod-security", object, "policy",
             lead + by + " was refused it: " + event.message.substr(security),
             "set what it names in the pod template, or the namespace's label pod-security.kubernetes.io/enforce"});
    }
    if (event.message.find("denied the request") != std::string::npos) {
        return error({"refused-by-webhook", object, "policy", lead + by + " was refused it: " + event.message,
                      "an admission webhook decides this: ask who runs it"});
    }
    return error({"refused", object, "policy", lead + by + " was refused it: " + event.message,
                  "mend what the message names; the controller then tries again by itself"});
}

// A ReplicaSet stands for the Deployment that it is called after.
Findings judge_refusals(Gatherer& gatherer, const kube::WorkloadState& workload, const std::string& object) {
    if (workload.ready >= workload.replicas) return {};
    for (const kube::Event& event : gatherer.warnings(workload.space, "FailedCreate")) {
        const bool its_own = event.kind == workload.kind && event.name == workload.name;
        const bool its_set = event.kind == "ReplicaSet" && starts_with(event.name, workload.name + "-");
        if (its_own || its_set) return {judge_refusal(event, object, "an object that it needs is missing, since ")};
    }
    return {};
}

}  // namespace holdfast::diagnose
