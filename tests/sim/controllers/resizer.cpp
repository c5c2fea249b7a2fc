// external-resizer and the kubelet's part of an expansion. Modelled after kubernetes-csi/external-resizer
// pkg/controller/expand_and_recover.go and resize_status.go, and kubernetes pkg/volume/util/operationexecutor
// node_expander.go. Class fast-offline, as on the test cluster, grows filesystems only before they are mounted, and a
// volume of class slow-offline grows only while no node has it.
#include "common/kube/objects/claim.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/controllers.h"

namespace holdfast::sim {
namespace {

void set_condition(Json& claim, const std::string& type, const std::string& message = "") {
    Json kept = Json::array();
    for (const Json& one : claim["status"].value("conditions", Json::array())) {
        if (kube::text_at(one, "/type") != type) kept.push_back(one);
    }
    Json made = {{"type", type}, {"status", "True"}};
    if (!message.empty()) made["message"] = message;
    kept.push_back(std::move(made));
    claim["status"]["conditions"] = std::move(kept);
}

void set_status(Json& claim, const std::string& status) {
    claim["status"]["allocatedResourceStatuses"] = {{"storage", status}};
}

bool offline(const kube::Claim& claim) { return claim.storage_class == "fast-offline"; }

// As the test cluster's driver with the parameter expand: offline: attached to a node, a volume does not grow.
bool in_use(Sim& sim, const kube::Claim& claim) {
    if (claim.storage_class != "slow-offline") return false;
    for (const ObjectPtr& attachment : sim.store.list(kube::kVolumeAttachments, "")) {
        if (kube::attachment_of(*attachment).volume == claim.volume) return true;
    }
    return false;
}

// As the test cluster's driver.
bool too_large(const kube::Claim& claim) { return claim.requested->bytes() > (1LL << 40); }

// A pod that runs, and, for a driver that grows nothing that is mounted, has started since the volume grew.
bool mounted_for_it(Sim& sim, const kube::Claim& claim, const Json& object) {
    const std::string grown_at = kube::annotation_of(object, "sim.hf.test/volume-grown");
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, claim.space)) {
        if (kube::text_at(*pod, "/status/phase") != "Running") continue;
        for (const auto& [volume, name] : kube::claims_of_pod_spec((*pod)["spec"])) {
            if (name == claim.name && (!offline(claim) || kube::text_at(*pod, "/status/startTime") > grown_at))
                return true;
        }
    }
    return false;
}

// expandAndRecover: external-resizer pkg/controller/expand_and_recover.go:35; callResizeOnPlugin: 232;
// markControllerResizeInProgress: external-resizer pkg/controller/resize_status.go:31;
// markControllerExpansionInfeasible: 105; markControllerExpansionFailedCondition: 135; markForPendingNodeExpansion: 71.
void grow_volume(Sim& sim, const Json& object, const kube::Claim& claim, const Json& volume) {
    const std::string wanted = claim.requested->text();
    if (too_large(claim)) {
        sim.edit(ref_of(object), [&](Json& one) {
            one["status"]["allocatedResources"] = {{"storage", wanted}};
            set_status(one, "ControllerResizeInfeasible");
            set_condition(one, "ControllerResizeError", "rpc error: code = OutOfRange desc = no such size");
        });
        return;
    }
    const bool refused = in_use(sim, claim);
    sim.edit(ref_of(object), [&](Json& one) {
        one["status"]["allocatedResources"] = {{"storage", wanted}};
        set_status(one, "ControllerResizeInProgress");
        set_condition(one, "Resizing");
        if (refused)
            set_condition(one, "ControllerResizeError",
                          "rpc error: code = FailedPrecondition desc = in use, and expands only offline");
    });
    if (refused) return;
    if (!sim.ripe("grow/" + claim.uid + "/" + wanted, sim.delays.provision, Controller::kResizer)) return;
    sim.edit(ref_of(volume), [&](Json& one) { one["spec"]["capacity"]["storage"] = wanted; });
    const auto disk = sim.backend().disks.find(kube::text_at(volume, "/spec/csi/volumeHandle"));
    if (disk != sim.backend().disks.end()) disk->second.size = claim.requested->bytes();
    sim.edit(ref_of(object), [&](Json& one) {
        set_status(one, "NodeResizePending");
        set_condition(one, "FileSystemResizePending");
        if (offline(claim)) one["metadata"]["annotations"]["sim.hf.test/volume-grown"] = format_time(sim.now());
    });
}

// MarkNodeExpansionInProgress: kubernetes pkg/volume/util/resize_util.go:314;
// MarkNodeExpansionFinishedWithRecovery: 240. The capacity is the volume's,
// and nothing is left of the way there but what was allocated.
void grow_filesystem(Sim& sim, const Json& object, const kube::Claim& claim, const Json& volume) {
    if (!mounted_for_it(sim, claim, object)) return;
    const std::string size = kube::text_at(volume, "/spec/capacity/storage");
    sim.edit(ref_of(object), [](Json& one) { set_status(one, "NodeResizeInProgress"); });
    if (!sim.ripe("node-grow/" + claim.uid + "/" + size, sim.delays.cut, Controller::kResizer)) return;
    sim.edit(ref_of(object), [&](Json& one) {
        one["status"]["capacity"]["storage"] = size;
        one["status"].erase("allocatedResourceStatuses");
        one["status"].erase("conditions");
    });
}

}  // namespace

void run_resizer(Sim& sim) {
    for (const ObjectPtr& object : sim.store.list(kube::kClaims, "")) {
        const kube::Claim& claim = object.claim();
        if (claim.phase != "Bound" || claim.deleting || !claim.requested || !claim.capacity) continue;
        if (*claim.requested <= *claim.capacity) continue;
        const ObjectPtr volume = sim.store.find({kube::kVolumes, "", claim.volume});
        if (!volume || !is_served(sim, kube::text_at(*volume, "/spec/csi/driver"))) continue;
        if (volume.volume().capacity_bytes < claim.requested->bytes())
            grow_volume(sim, *object, claim, *volume);
        else
            grow_filesystem(sim, *object, claim, *volume);
    }
}

}  // namespace holdfast::sim
