// A pod's life: scheduler, attach controller and kubelet of one node. A pod is placed when its claims are bound, or
// says where an unbound one shall be (WaitForFirstConsumer); then its containers start, and a workload's first start
// writes its data: the token. Modelled after pkg/scheduler/framework/plugins/volumebinding and pkg/kubelet.
#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

constexpr char kNode[] = "node-a";
constexpr char kAttacher[] = "external-attacher/disk-example";

std::vector<ObjectPtr> claims_of(const Sim& sim, const Json& pod, bool& all_there) {
    std::vector<ObjectPtr> claims;
    all_there = true;
    for (const auto& [volume, name] : kube::claims_of_pod_spec(pod["spec"])) {
        const ObjectPtr claim = sim.store.find(kube::kClaims, kube::space_of(pod), name);
        all_there = all_there && claim && !claim.deleting();
        if (claim) claims.push_back(claim);
    }
    return claims;
}

// Some node has the labels that the pod asks for.
// Filter: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go:218.
bool a_node_takes(const Sim& sim, const Json& pod) {
    const Json* wanted = kube::find_at(pod, "/spec/nodeSelector");
    if (wanted == nullptr) return true;
    const auto nodes = sim.store.list(kube::kNodes, "");
    return std::any_of(nodes.begin(), nodes.end(), [&](const ObjectPtr& node) {
        return std::all_of(wanted->items().begin(), wanted->items().end(), [&](const auto& label) {
            return kube::label_of(*node, label.key()) == label.value().template get<std::string>();
        });
    });
}

// FindPodVolumes: volumebinding/binder.go:283; bindAPIUpdate: 515; isPVCFullyBound: 773.
void schedule(Sim& sim, const Json& pod) {
    if (!a_node_takes(sim, pod)) return;
    bool there = false;
    bool bound = true;
    for (const ObjectPtr& object : claims_of(sim, pod, there)) {
        const kube::Claim& claim = object.claim();
        if (!claim.volume.empty() && !kube::annotation_of(*object, "pv.kubernetes.io/bind-completed").empty()) continue;
        bound = false;
        const ObjectPtr found = sim.store.find(kube::kStorageClasses, "", claim.storage_class);
        if (!there || !found || !kube::storage_class_of(*found).waits_for_pod()) continue;
        sim.edit(object.ref(),
                 [](Json& one) { one["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = kNode; });
    }
    if (!there || !bound) return;
    sim.edit(ref_of(pod), [](Json& one) { one["spec"]["nodeName"] = kNode; });
}

std::string attachment_name(const std::string& volume) { return "csi-" + volume; }

// CanAttach: pkg/volume/csi/csi_plugin.go:675.
bool is_attached(const Sim& sim, const std::string& driver) {
    const ObjectPtr found = sim.store.find(kube::kCsiDrivers, "", driver);
    return !found || kube::bool_at(*found, "/spec/attachRequired", true);
}

// attachDesiredVolumes: pkg/controller/volume/attachdetach/reconciler/reconciler.go:319; csiAttach:
// external-attacher pkg/controller/csi_handler.go:429.
void attach(Sim& sim, const std::string& volume, const std::string& driver) {
    const kube::ObjectRef ref{kube::kVolumeAttachments, "", attachment_name(volume)};
    const ObjectPtr found = sim.store.find(ref);
    if (!is_attached(sim, driver) || (found && kube::bool_at(*found, "/status/attached", false))) return;
    if (!found)
        sim.put(
            {{"apiVersion", "storage.k8s.io/v1"},
             {"kind", "VolumeAttachment"},
             {"metadata", {{"name", ref.name}, {"uid", sim.new_uid()}, {"creationTimestamp", format_time(sim.now())}}},
             {"spec", {{"attacher", driver}, {"nodeName", kNode}, {"source", {{"persistentVolumeName", volume}}}}}});
    // Both are held before it is attached.
    sim.edit({kube::kVolumes, "", volume}, [](Json& one) { add_finalizer(one, kAttacher); });
    sim.edit(ref, [](Json& one) { add_finalizer(one, kAttacher); });
    sim.edit(ref, [](Json& one) { one["status"] = {{"attached", true}}; });
}

// The image's entrypoint writes to an empty volume, as initdb does; a throwaway of ours only reads.
void write_data(Sim& sim, const Json& pod, const kube::Claim& claim) {
    const ObjectPtr volume = sim.store.find(kube::kVolumes, "", claim.volume);
    if (!volume) return;
    const auto disk = sim.backend().disks.find(kube::text_at(*volume, "/spec/csi/volumeHandle"));
    if (disk == sim.backend().disks.end() || !kube::label_of(pod, labels::kOperation).empty()) return;
    if (disk->second.token.writer.empty()) disk->second.token.writer = claim.space + "/" + claim.name;
    ++disk->second.token.version;
}

// One with a readiness probe is ready when that has said so.
Json container_statuses(const Json& pod) {
    Json statuses = Json::array();
    for (const Json& container : pod["spec"]["containers"]) {
        const std::string image = kube::text_at(container, "/image");
        statuses.push_back({{"name", container["name"]},
                            {"image", image},
                            {"imageID", image + "@sha256:5a5a"},
                            {"ready", !container.contains("readinessProbe")},
                            {"restartCount", 0},
                            {"state", {{"running", {{"startedAt", "2026-11-21T00:00:00Z"}}}}}});
    }
    return statuses;
}

// Ready: its containers are, and every readiness gate is open (pkg/kubelet/status/generate.go).
void keep_ready(Json& status, const Json& pod) {
    bool ready = kube::bool_at(status, "/containerStatuses/0/ready", false);
    const Json* gates = kube::find_at(pod, "/spec/readinessGates");
    for (const Json& gate : gates == nullptr ? Json::array() : *gates)
        ready = ready && has_condition(status, kube::text_at(gate, "/conditionType"));
    Json conditions = Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}});
    for (const Json& one : status.value("conditions", Json::array())) {
        if (kube::text_at(one, "/type") != "Ready") conditions.push_back(one);
    }
    status["conditions"] = conditions;
}

// SyncPod: pkg/kubelet/kubelet.go:2019; WaitForAttachAndMount: pkg/kubelet/volumemanager/volume_manager.go:397.
void start(Sim& sim, const Json& pod) {
    bool there = false;
    const auto claims = claims_of(sim, pod, there);
    for (const ObjectPtr& object : claims) {
        const kube::Claim& claim = object.claim();
        const ObjectPtr volume = sim.store.find(kube::kVolumes, "", claim.volume);
        if (claim.phase != "Bound" || !volume) return;  // FailedMount: the kubelet tries again
        attach(sim, claim.volume, kube::text_at(*volume, "/spec/csi/driver"));
    }
    if (!sim.ripe("start/" + kube::uid_of(pod), sim.delays.pod_start, Controller::kPods)) return;
    for (const ObjectPtr& object : claims) write_data(sim, pod, object.claim());
    sim.edit(ref_of(pod), "status", [&](Json& status) {
        Json conditions = status.value("conditions", Json::array());
        status = {{"phase", "Running"},
                  {"startTime", format_time(sim.now())},
                  {"conditions", conditions},
                  {"containerStatuses", container_statuses(pod)}};
        keep_ready(status, pod);
    });
}

// Probes of containers that have run for a while say yes.
// UpdatePodStatus: pkg/kubelet/prober/prober_manager.go:332.
void keep_running(Sim& sim, const Json& pod) {
    const Json& containers = pod["spec"]["containers"];
    const bool has_probe = std::any_of(containers.begin(), containers.end(),
                                       [](const Json& one) { return one.contains("readinessProbe"); });
    const bool probed = has_probe && sim.ripe("probe/" + kube::uid_of(pod), sim.delays.probe, Controller::kPods);
    sim.edit(ref_of(pod), "status", [&](Json& status) {
        for (Json& one : status["containerStatuses"]) one["ready"] = probed || one["ready"];
        keep_ready(status, pod);
    });
}

Disk* disk_of_claim(Sim& sim, const std::string& space, const std::string& name) {
    const ObjectPtr claim = sim.store.find(kube::kClaims, space, name);
    const ObjectPtr volume = claim ? sim.store.find(kube::kVolumes, "", claim.claim().volume) : ObjectPtr();
    const auto disk = sim.backend().disks.find(volume ? kube::text_at(*volume, "/spec/csi/volumeHandle") : "");
    return disk == sim.backend().disks.end() ? nullptr : &disk->second;
}

// What `kubectl clone --sql` fills fresh volumes with, as its script does: every file of from-N to to-N, and false
// where that holds anything.
bool copy_files(Sim& sim, const Json& pod) {
    const auto claims = kube::claims_of_pod_spec(pod["spec"]);
    for (const auto& [volume, name] : claims) {
        if (!starts_with(volume, "from-")) continue;
        const auto target = claims.find("to-" + volume.substr(5));
        Disk* from = disk_of_claim(sim, kube::space_of(pod), name);
        Disk* to = target == claims.end() ? nullptr : disk_of_claim(sim, kube::space_of(pod), target->second);
        if (from == nullptr || to == nullptr || !to->token.writer.empty()) return false;
        to->token = from->token;
        to->token.old_below = false;
    }
    return true;
}

// A container named "look" ends by itself: well, if there is something on every volume. So do `true`, and "copy".
// getPhase: pkg/kubelet/kubelet_pods.go:1653; SyncTerminatedPod: pkg/kubelet/kubelet.go:2458.
void end(Sim& sim, const Json& pod) {
    const bool looks = kube::text_at(pod, "/spec/containers/0/name") == "look";
    const bool copies = kube::text_at(pod, "/spec/containers/0/name") == "copy";
    if (!looks && !copies && kube::text_at(pod, "/spec/containers/0/command/0") != "true")
        return keep_running(sim, pod);
    if (!sim.ripe("end/" + kube::uid_of(pod), sim.delays.pod_stop, Controller::kPods)) return;
    bool there = false, good = !copies || copy_files(sim, pod);
    for (const ObjectPtr& object : looks ? claims_of(sim, pod, there) : std::vector<ObjectPtr>()) {
        const ObjectPtr volume = sim.store.find(kube::kVolumes, "", object.claim().volume);
        const auto disk = sim.backend().disks.find(volume ? kube::text_at(*volume, "/spec/csi/volumeHandle") : "");
        good = good && disk != sim.backend().disks.end() && !disk->second.token.writer.empty();
    }
    sim.edit(ref_of(pod), "status", [&](Json& status) {
        Json& container = status["containerStatuses"][0];
        container["ready"] = false;
        keep_ready(status, pod);
        container["state"] = {{"terminated", {{"exitCode", good ? 0 : 1}}}};
    });
    sim.edit(ref_of(pod), [&](Json& one) { one["status"]["phase"] = good ? "Succeeded" : "Failed"; });
}

// SyncTerminatingPod: pkg/kubelet/kubelet.go:2289; canBeDeleted: pkg/kubelet/status/status_manager.go:1241.
void stop(Sim& sim, const Json& pod) {
    if (!kube::text_at(pod, "/spec/nodeName").empty() &&
        !sim.ripe("stop/" + kube::uid_of(pod), sim.delays.pod_stop, Controller::kPods))
        return;
    sim.held_back.erase(kube::space_of(pod) + "/" + kube::name_of(pod));
    if (kube::text_at(pod, "/status/phase") == "Running")  // the containers have ended
        sim.edit(ref_of(pod), "status", [&](Json& status) {
            status["phase"] = "Succeeded";
            for (Json& one : status["containerStatuses"]) one["ready"] = false;
            keep_ready(status, pod);
        });
    if (!kube::text_at(pod, "/spec/nodeName").empty() &&
        !sim.ripe("clear/" + kube::uid_of(pod), sim.delays.pod_clear, Controller::kPods))
        return;
    sim.erase(ref_of(pod));
}

// DetermineVolumeAction: pkg/controller/volume/attachdetach/util/util.go:181.
bool volume_is_used(const Sim& sim, const std::string& name) {
    const auto claims = sim.store.list(kube::kClaims, "");
    return std::any_of(claims.begin(), claims.end(), [&](const ObjectPtr& claim) {
        return claim.claim().volume == name && claim_is_kept(sim, claim.ref().space, claim.ref().name, false);
    });
}

// reconcile: pkg/controller/volume/attachdetach/reconciler/reconciler.go:165; csiDetach: external-attacher
// pkg/controller/csi_handler.go:536; SyncNewOrUpdatedPersistentVolume: 647.
void detach_unused(Sim& sim) {
    for (const ObjectPtr& object : sim.all_of(kube::kVolumeAttachments)) {
        const std::string name = kube::text_at(*object, "/spec/source/persistentVolumeName");
        if (volume_is_used(sim, name)) continue;
        if (!sim.ripe("detach/" + object.uid(), sim.delays.detach, Controller::kPods)) continue;
        sim.begin_deletion(object.ref());
        sim.edit(object.ref(), [](Json& one) { drop_finalizer(one, kAttacher); });
    }
    for (const ObjectPtr& volume : sim.all_of(kube::kVolumes)) {
        if (!volume.deleting()) continue;
        const bool attached =
            sim.store.find(kube::kVolumeAttachments, "", attachment_name(volume.ref().name)) != nullptr;
        if (!attached) sim.edit(volume.ref(), [](Json& one) { drop_finalizer(one, kAttacher); });
    }
}

}  // namespace

void run_pods(Sim& sim) {
    for (const ObjectPtr& object : sim.all_of(kube::kPods)) {
        const ObjectPtr fresh = sim.store.find(object.ref());
        if (!fresh) continue;
        if (fresh.deleting())
            stop(sim, *fresh);
        else if (!fresh.pod().placed)
            schedule(sim, *fresh);
        else if (kube::text_at(*fresh, "/status/phase") == "Pending")
            start(sim, *fresh);
        else if (kube::text_at(*fresh, "/status/phase") == "Running")
            end(sim, *fresh);
    }
    detach_unused(sim);
}

}  // namespace holdfast::sim
