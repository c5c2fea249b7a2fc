#include "common/plan/wakers.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

namespace holdfast::plan {
namespace {

bool is_keda(const Json& autoscaler) {
    return !kube::label_of(autoscaler, "scaledobject.keda.sh/name").empty() ||
           kube::controller_of(autoscaler).group == "keda.sh";
}

std::optional<Json> flux_object(kube::ClusterReader& reader, const Json& workload, const kube::Resource& resource) {
    const std::string space = kube::label_of(workload, resource.group + "/namespace");
    const std::string name = kube::label_of(workload, resource.group + "/name");
    if (name.empty() || space.empty()) return std::nullopt;
    auto found = reader.find({resource, space, name});
    return found.ok() ? *found : std::nullopt;
}

}  // namespace

std::optional<bool> deployer_paused(kube::ClusterReader& reader, const Json& workload) {
    const std::string flux = "kustomize.toolkit.fluxcd.io", helm = "helm.toolkit.fluxcd.io";
    if (kube::annotation_of(workload, flux + "/reconcile") == "disabled") return true;
    std::optional<bool> paused;
    for (const kube::Resource& resource : {kube::Resource{flux, "v1", "kustomizations", "", "kustomizations", true},
                                           kube::Resource{helm, "v2", "helmreleases", "", "helmreleases", true}}) {
        if (const auto one = flux_object(reader, workload, resource)) paused = kube::suspended(*one);
    }
    return paused;
}

Status check_wakers(const std::string& what, const Json& workload, const Wakers& wakers, const std::string& amid) {
    const kube::WorkloadState state = kube::workload_state_of(workload);
    const bool helm = starts_with(state.deployed_by, "Helm release");  // acts only when somebody runs it
    const bool paused = wakers.gitops_paused || wakers.deployer_paused.value_or(false);
    if (!state.deployed_by.empty() && !helm && !paused) {
        return refused(
            what + " is kept in step by " + escape_line(state.deployed_by) +
                (wakers.deployer_paused ? ", which is not paused" : ", and whether that is paused is not seen") +
                ": it would scale the workload up in the middle of " + amid,
            "pause it (Flux: flux suspend; Argo CD: turn automated sync off), then run this with "
            "--gitops-paused");
    }
    for (const Json& autoscaler : wakers.autoscalers) {
        if (!kube::scales(autoscaler, state.kind, state.name) || !is_keda(autoscaler)) continue;
        return refused(
            what + " is scaled by KEDA (hpa/" + kube::name_of(autoscaler) + "), which wakes a workload that is at 0",
            "pause it: kubectl annotate scaledobject NAME autoscaling.keda.sh/paused=true");
    }
    return {};
}

}  // namespace holdfast::plan
