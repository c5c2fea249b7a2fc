// The explain_ functions: gather, judge, and say what could not be seen where that may hide the cause.
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/snapshot_facts.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

constexpr std::size_t kPodsExplained = 4;  // of one workload: one cause usually stands behind all

Findings explained(Gatherer& gatherer, Findings found) {
    append(found, blind_spots(gatherer.gaps()));
    settle(found);
    return found;
}

bool of_lost_source(const Finding& one) { return one.code == kClaimSourceDeleting || one.code == kClaimSourceMissing; }

// "" also where the namespace may not be read.
std::string lost_with_its_space(kube::ClusterReader& reader, const kube::ObjectRef& ref) {
    if (ref.space.empty()) return "";
    const auto object = reader.find(ref);
    if (!object.ok() || (*object && !kube::deleting(**object))) return "";
    const auto space = reader.find({kube::kNamespaces, "", ref.space});
    if (!space.ok() || (*space && !kube::deleting(**space))) return "";
    return "namespace " + ref.space + (*space ? " is being deleted" : " is not there any more");
}

}  // namespace

Findings explain_claim(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_claim(gather_claim(gatherer, space, name)));
}

Findings explain_snapshot(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_snapshot(gather_snapshot(gatherer, space, name)));
}

Findings explain_pod(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_pod(gather_pod(gatherer, space, name)));
}

Findings explain_workload(kube::ClusterReader& reader, const kube::ObjectRef& ref) {
    Gatherer gatherer(reader);
    const Seen<Json> object = gatherer.look(ref.resource, ref.space, ref.name);
    if (!object.there()) return {};
    const kube::WorkloadState workload = kube::workload_state_of(*object);
    const auto selector = kube::selector_of(*object);
    Findings found;
    std::size_t explained_pods = 0;
    if (selector.ok() && !selector->empty()) {
        for (const Json& item : gatherer.list(kube::kPods, ref.space, {*selector, ""}).value) {
            const kube::PodState pod = kube::pod_state_of(item);
            if (pod.ready || explained_pods == kPodsExplained) continue;
            ++explained_pods;
            append(found, judge_pod(gather_pod(gatherer, ref.space, pod.name)));
        }
    }
    if (found.empty()) append(found, judge_refusals(gatherer, workload, ref.text()));
    return explained(gatherer, std::move(found));
}

Why why(kube::ClusterReader& reader, const kube::ObjectRef& ref) {
    if (std::string lost = lost_with_its_space(reader, ref); !lost.empty()) return {std::move(lost), false, true};
    if (ref.resource == kube::kClaims) {
        const Findings found = explain_claim(reader, ref.space, ref.name);
        const auto lost = std::find_if(found.begin(), found.end(), of_lost_source);
        return lost == found.end() ? Why{headline(found)} : Why{headline({*lost}), true};
    }
    if (ref.resource == kube::kSnapshots) return {headline(explain_snapshot(reader, ref.space, ref.name))};
    if (ref.resource == kube::kPods) return {headline(explain_pod(reader, ref.space, ref.name))};
    if (ref.resource == kube::kStatefulSets || ref.resource == kube::kDeployments)
        return {headline(explain_workload(reader, ref))};
    return {};
}

}  // namespace holdfast::diagnose
