#include "common/kube/objects/mounts.h"

#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {

std::vector<std::string> device_claims_of(const Json& pod) {
    std::vector<std::string> devices;
    const Json* spec = find_at(pod, "/spec");
    const Json* containers = find_at(pod, "/spec/containers");
    if (spec == nullptr || containers == nullptr || !containers->is_array()) return devices;
    const auto claims = claims_of_pod_spec(*spec);
    for (const Json& container : *containers) {
        const Json* all = find_at(container, "/volumeDevices");
        if (all == nullptr || !all->is_array()) continue;
        for (const Json& device : *all) {
            const auto claim = claims.find(text_at(device, "/name"));
            if (claim != claims.end()) devices.push_back(claim->second);
        }
    }
    return devices;
}

std::vector<ClaimMount> claim_mounts_of(const Json& pod) {
    std::vector<ClaimMount> mounts;
    const Json* spec = find_at(pod, "/spec");
    const Json* containers = find_at(pod, "/spec/containers");
    if (spec == nullptr || containers == nullptr || !containers->is_array()) return mounts;
    const auto claims = claims_of_pod_spec(*spec);
    for (const Json& container : *containers) {
        const Json* all = find_at(container, "/volumeMounts");
        if (all == nullptr || !all->is_array()) continue;
        for (const Json& mount : *all) {
            const auto claim = claims.find(text_at(mount, "/name"));
            if (claim != claims.end())
                mounts.push_back({claim->second, text_at(container, "/name"), text_at(mount, "/mountPath")});
        }
    }
    return mounts;
}

}  // namespace holdfast::kube
