// StatefulSets and Deployments. Modelled after kubernetes pkg/controller/statefulset/stateful_set_control.go
// (performUpdate, OrderedReady), stateful_pod_control.go and stateful_set_utils.go (claims, retention policy);
// a Deployment's ReplicaSet and its pods are made in one go.
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

namespace holdfast::sim {
namespace {

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
    pod["spec"] = workload["spec"]["template"]["spec"];
    pod["status"] = {{"phase", "Pending"}};
    return pod;
}

bool is_ready(const Json& pod) {
    return kube::text_at(pod, "/status/phase") == "Running" && !kube::deleting(pod) &&
           kube::bool_at(pod, "/status/containerStatuses/0/ready", false);
}

std::string claim_name(const Json& claim_template, const std::string& pod) {
    return kube::name_of(claim_template) + "-" + pod;
}

class StatefulSet {
  public:
    StatefulSet(Sim& sim, const Json& object)
        : sim_(sim), set_(object), space_(kube::space_of(object)), name_(kube::name_of(object)) {}

    void sync() {
        if (kube::deleting(set_)) return keep_status();
        adopt();
        scale();
        keep_status();
    }

  private:
    std::string pod_name(int ordinal) const { return name_ + "-" + std::to_string(ordinal); }
    kube::ObjectRef pod_ref(int ordinal) const { return {kube::kPods, space_, pod_name(ordinal)}; }
    int first() const { return kube::start_ordinal_of(set_); }
    int end() const { return first() + kube::replicas_of(set_); }
    bool ordered() const { return kube::text_at(set_, "/spec/podManagementPolicy") != "Parallel"; }
    int highest() const {
        int found = first() - 1;
        for (const ObjectPtr& pod : sim_.store.list(kube::kPods, space_)) {
            const std::string name = kube::name_of(*pod);
            if (kube::text_at(*pod, "/metadata/ownerReferences/0/uid") == kube::uid_of(set_))
                found = std::max(found, std::stoi(name.substr(name.rfind('-') + 1)));
        }
        return found;
    }

    // Pods that match the selector and have no controller become its own (ClaimPods: controller_ref_manager.go:183).
    void adopt() {
        for (const ObjectPtr& pod : sim_.store.list(kube::kPods, space_)) {
            const Json* owners = kube::find_at(*pod, "/metadata/ownerReferences");
            const bool owned = owners != nullptr && !owners->empty();
            if (owned || kube::deleting(*pod) || !kube::name_of(*pod).starts_with(name_ + "-") || !selected(*pod))
                continue;
            sim_.edit(ref_of(*pod), [&](Json& one) { one["metadata"]["ownerReferences"] = owner_of(set_); });
        }
    }

    bool selected(const Json& pod) const {
        for (const auto& [label, value] : set_["spec"]["selector"]["matchLabels"].items()) {
            if (kube::label_of(pod, label) != value) return false;
        }
        return true;
    }

    // Lowest first, each ready before the next; then what is too much, highest first, one at a time. A pod that is
    // not ready holds up both directions (safety R12).
    // updateStatefulSetAfterInvariantEstablished and updateStatefulSet: stateful_set_control.go:560, 738;
    // processReplica: 417.
    void scale() {
        for (int ordinal = first(); ordinal < end(); ++ordinal) {
            const ObjectPtr pod = sim_.store.find(pod_ref(ordinal));
            if (!pod) {
                if (!make_claims(ordinal)) return;
                start(ordinal);
                if (ordered()) return;
                continue;
            }
            if (ordered() && !is_ready(*pod)) return;
        }
        bool removed = false;
        for (int ordinal = highest(); ordinal >= end(); --ordinal) {
            const ObjectPtr pod = sim_.store.find(pod_ref(ordinal));
            if (!pod) continue;
            if (kube::deleting(*pod) && ordered()) return;
            if (kube::deleting(*pod)) continue;
            // Before the last of several goes, the others must be healthy: pod 1 waits for an unready pod 0.
            if (ordered() && !lower_are_ready(ordinal)) return;
            retain_or_drop(ordinal, *pod);
            sim_.begin_deletion(pod_ref(ordinal), milliseconds(30000));
            removed = true;
            if (ordered()) return;
        }
        if (removed) return;
    }

    // processCondemned: stateful_set_control.go:507.
    bool lower_are_ready(int ordinal) const {
        for (int lower = first(); lower < ordinal; ++lower) {
            const ObjectPtr pod = sim_.store.find(pod_ref(lower));
            if (pod && !is_ready(*pod)) return false;
        }
        return true;
    }

    // whenScaled: Delete makes the claims the pod's, so that they go with it.
    // UpdatePodClaimForRetentionPolicy: stateful_pod_control.go:275; updateClaimOwnerRefForSetAndPod:
    // stateful_set_utils.go:307.
    void retain_or_drop(int ordinal, const Json& pod) {
        if (kube::text_at(set_, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled") != "Delete") return;
        for (const Json& one : set_["spec"]["volumeClaimTemplates"]) {
            sim_.edit({kube::kClaims, space_, claim_name(one, pod_name(ordinal))}, [&](Json& claim) {
                claim["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                                     {"kind", "Pod"},
                                                                     {"name", kube::name_of(pod)},
                                                                     {"uid", kube::uid_of(pod)}}});
            });
        }
    }

    // False: a claim is being deleted, so the pod has to wait.
    // createPersistentVolumeClaims: stateful_pod_control.go:381.
    bool make_claims(int ordinal) {
        const Json* templates = kube::find_at(set_, "/spec/volumeClaimTemplates");
        if (templates == nullptr) return true;
        for (const Json& one : *templates) {
            const std::string name = claim_name(one, pod_name(ordinal));
            const ObjectPtr found = sim_.store.find({kube::kClaims, space_, name});
            if (found && kube::deleting(*found)) return false;
            if (found) continue;
            Json claim = one;
            claim["apiVersion"] = "v1";
            claim["kind"] = "PersistentVolumeClaim";
            Json& metadata = claim["metadata"];
            metadata["name"] = name;
            metadata["namespace"] = space_;
            metadata["uid"] = sim_.new_uid();
            metadata["creationTimestamp"] = format_time(sim_.now());
            metadata["labels"] = set_["spec"]["selector"]["matchLabels"];
            metadata["finalizers"] = Json::array({"kubernetes.io/pvc-protection"});
            if (!claim["spec"].contains("volumeMode")) claim["spec"]["volumeMode"] = "Filesystem";
            claim["status"] = {{"phase", "Pending"}};
            sim_.put(std::move(claim));
        }
        return true;
    }

    // newStatefulSetPod: stateful_set_utils.go:518; updateStorage: 412.
    void start(int ordinal) {
        Json pod = pod_of(sim_, set_, pod_name(ordinal));
        pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = pod_name(ordinal);
        pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
        const Json* templates = kube::find_at(set_, "/spec/volumeClaimTemplates");
        if (templates != nullptr) {
            for (const Json& one : *templates)
                pod["spec"]["volumes"].push_back(
                    {{"name", kube::name_of(one)},
                     {"persistentVolumeClaim", {{"claimName", claim_name(one, pod_name(ordinal))}}}});
        }
        sim_.put(std::move(pod));
    }

    // computeReplicaStatus: stateful_set_control.go:370.
    void keep_status() {
        int there = 0, ready = 0;
        for (const ObjectPtr& pod : sim_.store.list(kube::kPods, space_)) {
            if (kube::text_at(*pod, "/metadata/ownerReferences/0/uid") != kube::uid_of(set_)) continue;
            ++there;
            if (is_ready(*pod)) ++ready;
        }
        sim_.edit(ref_of(set_), [&](Json& one) {
            one["status"] = {{"observedGeneration", kube::number_at(one, "/metadata/generation", 1)},
                             {"replicas", there},
                             {"currentReplicas", there},
                             {"updatedReplicas", there},
                             {"readyReplicas", ready},
                             {"availableReplicas", ready}};
        });
    }

    Sim& sim_;
    const Json& set_;
    std::string space_, name_;
};

Json replica_set_of(Sim& sim, const Json& deployment) {
    Json made = {{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}};
    made["metadata"] = {{"name", kube::name_of(deployment) + "-6d4cf56db6"},
                        {"namespace", kube::space_of(deployment)},
                        {"uid", sim.new_uid()},
                        {"creationTimestamp", format_time(sim.now())},
                        {"ownerReferences", owner_of(deployment)}};
    made["spec"] = {{"selector", deployment["spec"]["selector"]}, {"template", deployment["spec"]["template"]}};
    return made;
}

// syncDeployment: deployment_controller.go:589; manageReplicas: replicaset/replica_set.go:649.
void sync_deployment(Sim& sim, const Json& deployment) {
    const std::string space = kube::space_of(deployment);
    const kube::ObjectRef ref{kube::kReplicaSets, space, kube::name_of(deployment) + "-6d4cf56db6"};
    if (!sim.store.find(ref)) return sim.put(replica_set_of(sim, deployment));
    const ObjectPtr replica_set = sim.store.find(ref);
    std::vector<ObjectPtr> pods;
    int ready = 0;
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, space)) {
        const bool mine = kube::text_at(*pod, "/metadata/ownerReferences/0/uid") == kube::uid_of(*replica_set);
        if (mine && !kube::deleting(*pod)) pods.push_back(pod);
        if (mine && is_ready(*pod)) ++ready;
    }
    const int wanted = kube::replicas_of(deployment);
    for (int have = static_cast<int>(pods.size()); have < wanted; ++have) {
        const std::string suffix = sim.new_uid().substr(31);
        sim.put(pod_of(sim, *replica_set, ref.name + "-" + suffix));
    }
    for (int have = static_cast<int>(pods.size()); have > wanted; --have)
        sim.begin_deletion(ref_of(*pods[static_cast<std::size_t>(have) - 1]), milliseconds(30000));
    sim.edit(ref_of(deployment), [&](Json& one) {
        one["status"] = {{"observedGeneration", kube::number_at(one, "/metadata/generation", 1)},
                         {"replicas", wanted},
                         {"readyReplicas", ready},
                         {"availableReplicas", ready}};
    });
}

}  // namespace

void run_stateful_sets(Sim& sim) {
    for (const ObjectPtr& object : sim.store.list(kube::kStatefulSets, "")) {
        const ObjectPtr fresh = sim.store.find(ref_of(*object));
        if (fresh) StatefulSet(sim, *fresh).sync();
    }
}

void run_deployments(Sim& sim) {
    for (const ObjectPtr& object : sim.store.list(kube::kDeployments, "")) {
        const ObjectPtr fresh = sim.store.find(ref_of(*object));
        if (fresh && !kube::deleting(*fresh)) sync_deployment(sim, *fresh);
    }
}

}  // namespace holdfast::sim
