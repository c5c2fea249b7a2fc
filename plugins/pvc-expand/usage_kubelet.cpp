// How full volumes are, as kubelets measure it: no container needs a df, and whoever asks must see all pods of a node.
// Source: kubernetes staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go (Summary, VolumeStats).
#include "plugins/pvc-expand/usage.h"

#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// A node's own authorizer may say no where the API server's did not.
void set_unanswered(ClaimUsage& usage, const std::string& node, const Error& error) {
    usage.denied = error.kind == ErrorKind::kForbidden || error.kind == ErrorKind::kUnauthorized;
    const std::string kubelet = "the kubelet of node " + node;
    usage.problem =
        (usage.denied ? "not allowed to ask " + kubelet : kubelet + " does not answer") + ": " + error.message;
}

}  // namespace

std::vector<ClaimUsage> usage_in_summary(const Json& summary, const std::string& space,
                                         const std::set<std::string>& claims) {
    std::vector<ClaimUsage> found;
    const Json* pods = kube::find_at(summary, "/pods");
    for (const Json& pod : pods == nullptr ? Json::array() : *pods) {
        const Json* volumes = kube::find_at(pod, "/volume");
        for (const Json& volume : volumes == nullptr ? Json::array() : *volumes) {
            const std::string claim = kube::text_at(volume, "/pvcRef/name");
            const bool known =
                std::any_of(found.begin(), found.end(), [&](const ClaimUsage& one) { return one.claim == claim; });
            if (known || !claims.contains(claim) || kube::text_at(volume, "/pvcRef/namespace") != space) continue;
            ClaimUsage usage;
            usage.claim = claim;
            usage.pod = kube::text_at(pod, "/podRef/name");
            usage.capacity_bytes = kube::number_at(volume, "/capacityBytes", -1);
            usage.used_bytes = kube::number_at(volume, "/usedBytes", -1);
            usage.free_bytes = kube::number_at(volume, "/availableBytes", -1);
            const long long inodes = kube::number_at(volume, "/inodes", 0);
            if (inodes > 0) {
                usage.inodes = inodes;
                usage.inodes_used = kube::number_at(volume, "/inodesUsed", -1);
            }
            if (usage.used_bytes >= 0) found.push_back(std::move(usage));  // else it has not measured it yet
        }
    }
    return found;
}

std::vector<ClaimUsage> measured_by_kubelet(kube::ClusterReader& reader, const std::string& space,
                                            const std::vector<Json>& live, const std::set<std::string>& claims) {
    std::map<std::string, std::set<std::string>> by_node;
    std::map<std::string, ClaimUsage> unknown;
    for (const std::string& claim : claims) {
        unknown[claim].claim = claim;
        unknown[claim].problem = "no running pod mounts it";
    }
    for (const Json& pod : live) {
        if (kube::phase_of(pod) != "Running") continue;
        for (const std::string& claim : kube::claims_of_pod(pod)) {
            if (!claims.contains(claim)) continue;
            by_node[kube::node_of(pod)].insert(claim);
            unknown[claim].pod = kube::name_of(pod);
            unknown[claim].problem = "the kubelet of node " + kube::node_of(pod) +
                                     " has not measured it yet, which it does about once a minute";
        }
    }
    std::vector<ClaimUsage> all;
    for (const auto& [node, wanted] : by_node) {
        const auto summary = reader.node_summary(node);
        if (!summary.ok()) {
            for (const std::string& claim : wanted) {
                // Another node's may have told of it.
                if (unknown.contains(claim)) set_unanswered(unknown[claim], node, summary.error());
            }
            continue;
        }
        for (ClaimUsage& one : usage_in_summary(*summary, space, wanted)) {
            if (unknown.erase(one.claim) > 0) all.push_back(std::move(one));
        }
    }
    for (auto& [claim, one] : unknown) all.push_back(std::move(one));
    tell_devices(live, all);
    return all;
}

}  // namespace holdfast::expand
