#include "common/kube/objects/mounts.h"

#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {
namespace {

// Calls `each` with what the containers have of claims in this list of theirs: the claim, the container, the entry.
template <typename Each>
void for_each_use(const Json& pod, const char* list, const Each& each) {
    const Json* spec = find_at(pod, "/spec");
    const Json* containers = find_at(pod, "/spec/containers");
    if (spec == nullptr || containers == nullptr || !containers->is_array()) return;
    const auto claims = claims_of_pod_spec(*spec);
    for (const Json& container : *containers) {
        const Json* all = find_at(container, list);
        if (all == nullptr || !all->is_array()) continue;
        for (const Json& one : *all) {
            const auto claim = claims.find(text_at(one, "/name"));
            if (claim != claims.end()) each(claim->second, container, one);
        }
    }
}

}  // namespace

std::vector<std::string> device_claims_of(const Json& pod) {
    std::vector<std::string> devices;
    for_each_use(pod, "/volumeDevices",
                 [&](const std::string& claim, const Json&, const Json&) { devices.push_back(claim); });
    return devices;
}

std::vector<ClaimMount> claim_mounts_of(const Json& pod) {
    std::vector<ClaimMount> mounts;
    for_each_use(pod, "/volumeMounts", [&](const std::string& claim, const Json& container, const Json& mount) {
        mounts.push_back({claim, text_at(container, "/name"), text_at(mount, "/mountPath")});
    });
    return mounts;
}

}  // namespace holdfast::kube
