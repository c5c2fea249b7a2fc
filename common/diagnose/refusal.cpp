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

}  // namespace holdfast::diagnose
