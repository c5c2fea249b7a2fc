// Deployments: the ReplicaSet and its pods are made in one go.
#include "tests/sim/controllers/workloads.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

#include <algorithm>

namespace holdfast::sim {
Json owner_of(const Json& object) {
    return Json::array({{{"apiVersion", object["apiVersion"]},
                         {"kind", object["kind"]},
                         {"name", kube::name_of(object)},
                         {"uid", kube::uid_of(object)},
                         {"controller", true},
                         {"blockOwnerDeletion", true}}});
}

Json pod_of(Sim& sim, const Json& workload, const std::string& name) {
    Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
    pod["metadata"] = {{"name", name},
                       {"namespace", kube::space_of(workload)},
                       {"uid", sim.new_uid()},
                       {"creationTimestamp", format_time(sim.now())},
                       {"labels", workload["spec"]["template"]["metadata"]["labels"]},
                       {"ownerReferences", owner_of(workload)}};
    if (const Json* annotations = kube::find_at(workload, "/spec/template/metadata/annotations"))
        pod["metadata"]["annotations"] = *annotations;
    pod["spec"] = workload["spec"]["template"]["spec"];
    pod["status"] = {{"phase", "Pending"}};
    return pod;
}

bool has_condition(const Json& pod, const std::string& type) {
    const Json* all = kube::find_at(pod, "/status/conditions");
    return all != nullptr && std::any_of(all->begin(), all->end(), [&](const Json& one) {
               return kube::text_at(one, "/type") == type && kube::text_at(one, "/status") == "True";
           });
}

bool is_ready(const Json& pod) {
    return kube::text_at(pod, "/status/phase") == "Running" && has_condition(pod, "Ready");
}

namespace {

constexpr char kTemplateHash[] = "6d4cf56db6";

Json replica_set_of(Sim& sim, const Json& deployment) {
    Json made = {{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}};
    made["metadata"] = {{"name", kube::name_of(deployment) + "-" + kTemplateHash},
                        {"namespace", kube::space_of(deployment)},
                        {"uid", sim.new_uid()},
                        {"creationTimestamp", format_time(sim.now())},
                        {"ownerReferences", owner_of(deployment)}};
    made["spec"] = {{"selector", deployment["spec"]["selector"]}, {"template", deployment["spec"]["template"]}};
    made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = kTemplateHash;
    return made;
}

// syncDeployment: deployment_controller.go:589; manageReplicas: replicaset/replica_set.go:649.
void sync_deployment(Sim& sim, const Json& deployment) {
    const std::string space = kube::space_of(deployment);
    const kube::ObjectRef ref{kube::kReplicaSets, space, kube::name_of(deployment) + "-" + kTemplateHash};
    if (!sim.store.find(ref)) return sim.put(replica_set_of(sim, deployment));
    const ObjectPtr replica_set = sim.store.find(ref);
    std::vector<ObjectPtr> pods;
    int ready = 0;
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, space)) {
        const bool mine = kube::text_at(*pod, "/metadata/ownerReferences/0/uid") == kube::uid_of(*replica_set);
        if (mine && !kube::deleting(*pod)) pods.push_back(pod);
        if (mine && is_ready(*pod) && !kube::deleting(*pod)) ++ready;
    }
    const int wanted = kube::replicas_of(deployment);
    for (int have = static_cast<int>(pods.size()); have < wanted; ++have) {
        const std::string suffix = sim.new_uid().substr(31);
        sim.put(pod_of(sim, *replica_set, ref.name + "-" + suffix));
    }
    for (int have = static_cast<int>(pods.size()); have > wanted; --have)
        sim.begin_deletion(ref_of(*pods[static_cast<std::size_t>(have) - 1]));
    if (static_cast<int>(pods.size()) != wanted) return;  // the status tells of it when it has happened
    sim.edit(ref_of(deployment), [&](Json& one) {
        one["status"] = {{"observedGeneration", kube::number_at(one, "/metadata/generation", 1)},
                         {"replicas", wanted},
                         {"readyReplicas", ready},
                         {"availableReplicas", ready}};
    });
}

}  // namespace

void run_deployments(Sim& sim) {
    for (const ObjectPtr& object : sim.store.list(kube::kDeployments, "")) {
        const ObjectPtr fresh = sim.store.find(object.ref());
        if (fresh && !kube::deleting(*fresh)) sync_deployment(sim, *fresh);
    }
}

}  // namespace holdfast::sim
