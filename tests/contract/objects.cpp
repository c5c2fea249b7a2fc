#include "tests/contract/objects.h"

#include <algorithm>

namespace holdfast::contract {
namespace {

Json object(const Stage& s, const char* version, const char* kind, const std::string& name, bool namespaced = true) {
    Json made = {{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
    if (namespaced) made["metadata"]["namespace"] = s.space;
    return made;
}

Json claim_spec(const std::string& storage_class, const std::string& size) {
    return {{"accessModes", Json::array({"ReadWriteOnce"})},
            {"storageClassName", storage_class},
            {"resources", {{"requests", {{"storage", size}}}}}};
}

// Volumes are the whole cluster's: without a class of its own a case would take those of another. The class itself is
// not there, so that nobody provisions for it.
std::string own_class(const Stage& s) { return s.own("class"); }

Json sleeper() {
    return {{"terminationGracePeriodSeconds", 1},
            {"containers", Json::array({{{"name", "main"},
                                         {"image", "hf.test/busybox:1"},
                                         {"imagePullPolicy", "IfNotPresent"},
                                         {"command", Json::array({"sleep", "3600"})}}})}};
}

void mount(Json& spec, const std::string& volume, const std::string& claim) {
    if (!claim.empty())
        spec["volumes"].push_back({{"name", volume}, {"persistentVolumeClaim", {{"claimName", claim}}}});
    spec["containers"][0]["volumeMounts"].push_back({{"name", volume}, {"mountPath", "/" + volume}});
}

}  // namespace

Json config_map(const Stage& s, const std::string& name, const Json& data) {
    Json made = object(s, "v1", "ConfigMap", name);
    made["data"] = data;
    return made;
}

Json lease(const Stage& s, const std::string& name, const std::string& holder) {
    Json made = object(s, "coordination.k8s.io/v1", "Lease", name);
    made["spec"] = {{"holderIdentity", holder}, {"leaseDurationSeconds", 9}};
    return made;
}

Json claim(const Stage& s, const std::string& name, const std::string& storage_class, const std::string& size) {
    Json made = object(s, "v1", "PersistentVolumeClaim", name);
    made["spec"] = claim_spec(storage_class.empty() ? own_class(s) : storage_class, size);
    return made;
}

Json volume(const Stage& s, const std::string& name, const std::string& size) {
    Json made = object(s, "v1", "PersistentVolume", s.own(name), false);
    made["metadata"]["labels"] = {{"contract", s.space}};
    made["spec"] = {{"capacity", {{"storage", size}}},
                    {"accessModes", Json::array({"ReadWriteOnce"})},
                    {"persistentVolumeReclaimPolicy", "Retain"},
                    {"storageClassName", own_class(s)},
                    {"csi", {{"driver", "fast.csi.hf.test"}, {"volumeHandle", s.own(name)}}}};
    return made;
}

Json reserved_for(const Stage& s, Json volume, const std::string& claim) {
    volume["spec"]["claimRef"] = {{"namespace", s.space}, {"name", claim}};
    return volume;
}

Json bound_claim(Stage& s, const std::string& name) { return s.until(kClaims, name, "Bound", bound); }

std::string volume_of(const Json& claim) { return text_at(claim, "/spec/volumeName"); }

Json pod(const Stage& s, const std::string& name, const std::vector<std::string>& claims) {
    Json made = object(s, "v1", "Pod", name);
    made["spec"] = sleeper();
    for (const std::string& one : claims) mount(made["spec"], one, one);
    return made;
}

Json stateful_set(const Stage& s, const std::string& name, int replicas, bool claims) {
    Json made = object(s, "apps/v1", "StatefulSet", name);
    made["spec"] = {{"replicas", replicas},
                    {"serviceName", name},
                    {"selector", {{"matchLabels", {{"app", name}}}}},
                    {"template", {{"metadata", {{"labels", {{"app", name}}}}}, {"spec", sleeper()}}}};
    if (!claims) return made;
    mount(made["spec"]["template"]["spec"], "data", "");
    made["spec"]["volumeClaimTemplates"] =
        Json::array({{{"metadata", {{"name", "data"}}}, {"spec", claim_spec("fast", "64Mi")}}});
    return made;
}

Json& nowhere(Json& pod_spec) {
    pod_spec["nodeSelector"] = {{"kubernetes.io/hostname", "nowhere"}};
    return pod_spec;
}

Json& gated(Json& pod_spec) {
    pod_spec["readinessGates"] = Json::array({{{"conditionType", "hf.test/ok"}}});
    return pod_spec;
}

// The kubelet writes conditions too: read, change, compare and swap.
void set_gate(Stage& s, const std::string& pod, bool open) {
    const kube::ObjectRef ref = s.ref(kPods, pod);
    for (int turn = 0; turn < 20; ++turn) {
        const Json now = s.get(kPods, pod);
        Json conditions = Json::array();
        if (const Json* found = kube::find_at(now, "/status/conditions")) {
            std::copy_if(found->begin(), found->end(), std::back_inserter(conditions),
                         [](const Json& one) { return text_at(one, "/type") != "hf.test/ok"; });
        }
        conditions.push_back({{"type", "hf.test/ok"}, {"status", open ? "True" : "False"}});
        const auto done = s.cluster.patch(ref, PatchType::kMerge, {{"status", {{"conditions", conditions}}}},
                                          {"", version_of(now)}, DryRun::kNone, "status");
        if (done.ok()) return;
        if (done.error().kind != ErrorKind::kConflict) s.must(done, "set the gate", 0);
    }
    s.stop(0, "the gate of " + pod + " could not be set");
}

Json snapshot(const Stage& s, const std::string& name, const std::string& claim, const std::string& snapshot_class) {
    Json made = object(s, "snapshot.storage.k8s.io/v1", "VolumeSnapshot", name);
    made["spec"] = {{"source", {{"persistentVolumeClaimName", claim}}}};
    if (!snapshot_class.empty()) made["spec"]["volumeSnapshotClassName"] = snapshot_class;
    return made;
}

Json restored(Json claim, const std::string& snapshot) {
    claim["spec"]["dataSource"] = {
        {"apiGroup", "snapshot.storage.k8s.io"}, {"kind", "VolumeSnapshot"}, {"name", snapshot}};
    return claim;
}

Json quota(const Stage& s, const Json& hard) {
    Json made = object(s, "v1", "ResourceQuota", "quota");
    made["spec"] = {{"hard", hard}};
    return made;
}

Json owned_by(Json object, const Json& owner, bool block) {
    Json reference = {
        {"apiVersion", owner["apiVersion"]}, {"kind", owner["kind"]}, {"name", name_of(owner)}, {"uid", uid_of(owner)}};
    if (block) reference["blockOwnerDeletion"] = true;
    object["metadata"]["ownerReferences"].push_back(std::move(reference));
    return object;
}

bool bound(const Json& object) { return text_at(object, "/status/phase") == "Bound"; }

bool ready(const Json& object) {
    if (kube::bool_at(object, "/status/readyToUse", false)) return true;
    const Json* conditions = kube::find_at(object, "/status/conditions");
    return conditions != nullptr && std::any_of(conditions->begin(), conditions->end(), [](const Json& one) {
               return text_at(one, "/type") == "Ready" && text_at(one, "/status") == "True";
           });
}

Predicate phase_is(const std::string& phase) {
    return [phase](const Json& object) { return text_at(object, "/status/phase") == phase; };
}

bool holds(const Json& object, const std::string& finalizer) {
    const Json* all = kube::find_at(object, "/metadata/finalizers");
    return all != nullptr && std::find(all->begin(), all->end(), Json(finalizer)) != all->end();
}

bool has(const Json& object, const std::string& pointer) { return kube::find_at(object, pointer) != nullptr; }

std::vector<std::string> names_of(const std::vector<Json>& objects) {
    std::vector<std::string> names;
    std::transform(objects.begin(), objects.end(), std::back_inserter(names), name_of);
    return names;
}

std::string owner_of(const Json& object) { return text_at(object, "/metadata/ownerReferences/0/uid"); }

void is_up(Stage& s, const std::string& set, int replicas) {
    s.until(kStatefulSets, set, "up", [&](const Json& one) {
        return kube::number_at(one, "/status/readyReplicas", 0) == replicas &&
               kube::number_at(one, "/status/replicas", 0) == replicas &&
               kube::number_at(one, "/status/observedGeneration", 0) ==
                   kube::number_at(one, "/metadata/generation", -1);
    });
}

void scale(Stage& s, const std::string& set, int replicas) {
    s.merge(kStatefulSets, set, {{"spec", {{"replicas", replicas}}}});
}

}  // namespace holdfast::contract
