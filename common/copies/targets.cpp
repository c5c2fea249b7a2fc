#include "common/copies/targets.h"

#include "common/core/names.h"
#include "common/core/text.h"

namespace holdfast::copies {

Result<Target> parse_target(const std::string& word, const std::string& what, const std::string& example) {
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const bool taken = resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments ||
                                               *resource == kube::kClaims || *resource == kube::kPods);
    if (!taken) {
        return Error{ErrorKind::kUsage,
                     "cannot " + what + " \"" + escape_line(word) + "\": " + escape_line(typed.type) +
                         " is none of statefulset (sts), deployment (deploy), pod, persistentvolumeclaim (pvc)",
                     "for example: " + example};
    }
    TRY(check_dns_subdomain(typed.name, "the name in " + escape_line(word)));
    return Target{resource, typed.name};
}

}  // namespace holdfast::copies
