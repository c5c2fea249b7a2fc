// Deployments, each with one ReplicaSet.
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

bool has_condition(const Json& status, const std::string& type) {
    const Json* all = kube::find_at(status, "/conditions");
    return all != nullptr && std::any_of(all->begin(), all->end(), [&](const Json& one) {
               return kube::text_at(one, "/type") == type && kube::text_at(one, "/status") == "True";
           });
}

bool is_ready(const Json& pod) {
    const Json* status = kube::find_at(pod, "/status");
    return status != nullptr && kube::text_at(*status, "/phase") == "Running" && has_condition(*status, "Ready");
}

namespace {

constexpr char kTemplateHash[] = "6d4cf56db6";

// getNewReplicaSet: pkg/controller/deployment/sync.go:146.
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

kube::ObjectRef replica_set_ref(const Json& deployment) {
    return {kube::kReplicaSets, kube::space_of(deployment), kube::name_of(deployment) + "-" + kTemplateHash};
}

// Its pods, but those that are on their way out.
std::vector<ObjectPtr> pods_of(const Sim& sim, const Json& replica_set) {
    std::vector<ObjectPtr> pods;
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, kube::space_of(replica_set))) {
        const bool mine = kube::text_at(*pod, "/metadata/ownerReferences/0/uid") == kube::uid_of(replica_set);
        if (mine && !pod.deleting()) pods.push_back(pod);
    }
    return pods;
}

// syncDeployment: deployment_controller.go:589; calculateStatus: deployment/sync.go:494.
void sync_deployment(Sim& sim, const Json& deployment) {
    const ObjectPtr replica_set = sim.store.find(replica_set_ref(deployment));
    if (!replica_set) return sim.put(replica_set_of(sim, deployment));
    const auto replicas = kube::number_at(*replica_set, "/status/replicas", 0);
    const auto ready = kube::number_at(*replica_set, "/status/readyReplicas", 0);
    sim.edit(ref_of(deployment), "status", [&](Json& status) {
        status = {{"observedGeneration", kube::number_at(deployment, "/metadata/generation", 1)},
                  {"replicas", replicas},
                  {"readyReplicas", ready},
                  {"availableReplicas", ready}};
    });
}

// As many as its Deployment says: that it is told so by a write of its own is left out. Its status tells of the pods as
// they were before.
// manageReplicas: replicaset/replica_set.go:649; calculateStatus: replicaset/replica_set_utils.go:96.
void sync_replica_set(Sim& sim, const Json& deployment) {
    const ObjectPtr replica_set = sim.store.find(replica_set_ref(deployment));
    if (!replica_set) return;
    const std::vector<ObjectPtr> pods = pods_of(sim, *replica_set);
    const int wanted = kube::replicas_of(deployment);
    for (int have = static_cast<int>(pods.size()); have < wanted; ++have) {
        const std::string suffix = sim.new_uid().substr(31);
        sim.put(pod_of(sim, *replica_set, kube::name_of(*replica_set) + "-" + suffix));
    }
    for (int have = static_cast<int>(pods.size()); have > wanted; --have)
        sim.begin_deletion(ref_of(*pods[static_cast<std::size_t>(have) - 1]));
    const auto ready = std::count_if(pods.begin(), pods.end(), [](const ObjectPtr& pod) { return is_ready(*pod); });
    sim.edit(replica_set.ref(), [&](Json& one) {
        one["status"] = {{"replicas", pods.size()}, {"readyReplicas", ready}};
    });
}

void each_deployment(Sim& sim, void (*sync)(Sim&, const Json&)) {
    for (const ObjectPtr& object : sim.all_of(kube::kDeployments)) {
        const ObjectPtr fresh = sim.store.find(object.ref());
        if (fresh && !fresh.deleting()) sync(sim, *fresh);
    }
}

}  // namespace

void run_deployments(Sim& sim) { each_deployment(sim, sync_deployment); }

void run_replica_sets(Sim& sim) { each_deployment(sim, sync_replica_set); }

}  // namespace holdfast::sim
