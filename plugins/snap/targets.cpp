#include "plugins/snap/targets.h"

#include "common/core/names.h"
#include "common/core/text.h"

namespace holdfast::snap {

Result<Target> parse_target(const std::string& word) {
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const bool taken = resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments ||
                                               *resource == kube::kClaims || *resource == kube::kPods);
    if (!taken) {
        return Error{ErrorKind::kUsage,
                     "cannot snapshot \"" + escape_line(word) + "\": " + escape_line(typed.type) +
                         " is none of statefulset (sts), deployment (deploy), pod, persistentvolumeclaim (pvc)",
                     "for example: kubectl snap create sts/postgres"};
    }
    TRY(check_dns_subdomain(typed.name, "the name in " + escape_line(word)));
    return Target{resource, typed.name};
}

}  // namespace holdfast::snap
