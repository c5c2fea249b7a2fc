// A bound claim that asks for more than it has: which layer its expansion waits for. The order of the questions is that
// of docs/pvc-expand.md: the newer resizer leaves Resizing beside what is pending on the node.
// Source: kubernetes-csi/external-resizer pkg/controller (its events and conditions), kubernetes
// pkg/volume/util/operationexecutor (the kubelet's).
#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/remedies.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

std::string driver_text(const ClaimFacts& facts) {
    return facts.volume->driver.empty() ? "its driver" : "the driver " + facts.volume->driver;
}

// What stands in the claim, else what was said last: events are gone after an hour.
std::string growth_error(const ClaimFacts& facts) {
    if (!facts.growth.error.empty()) return driver_words(facts.growth.error);
    const kube::Event* failed = kube::newest(facts.events, "VolumeResizeFailed");
    return failed == nullptr ? "" : driver_words(failed->message);
}

std::vector<std::string> running_pods(const ClaimFacts& facts) {
    std::vector<std::string> names;
    for (const kube::PodState& pod : facts.pods) {
        if (pod.phase == "Running") names.push_back(pod.name);
    }
    return names;
}

Finding judge_on_node(const ClaimFacts& facts) {
    const std::vector<std::string> pods = running_pods(facts);
    if (pods.empty())
        return info({"claim-growth-unmounted", claim_object(facts), "pod",
                     "its volume has grown, and its filesystem grows when a pod mounts it, which none does",
                     "start the pod that uses it"});
    if (const kube::Event* failed = kube::newest(facts.events, "FileSystemResizeFailed"))
        return error({"claim-growth-node-failed", claim_object(facts), "pod",
                      "its volume has grown, and the kubelet of pod " + pods.front() +
                          " cannot grow the filesystem: " + driver_words(failed->message),
                      "mend the cause on the node; if the driver grows only what it mounts anew: "
                      "`kubectl pvc-expand` with --restart if-needed"});
    return warning({"claim-growth-on-node", claim_object(facts), "pod",
                    "its volume has grown, and the filesystem under pod " + pods.front() +
                        " has not: that takes seconds, or the driver does it only when it mounts anew",
                    "if it stays so: the same command with --restart if-needed, which lets one pod at a time start "
                    "again"});
}

// The controller's part: the driver has refused, and may not the next time.
Finding judge_refused_growth(const ClaimFacts& facts, const std::string& words) {
    const auto says = [&](const char* part) { return words.find(part) != std::string::npos; };
    // CSI's own code for it (spec.md, ControllerExpandVolume errors): published on a node, and not to be grown there.
    const bool published = says("(FailedPrecondition)") && !running_pods(facts).empty();
    if (published || says("offline expansion") || says("currently in-use") || says("is in use"))
        return error({"claim-growth-in-use", claim_object(facts), "driver",
                      driver_text(facts) + " grows a volume only while no pod uses it (" + kGrowsOffline +
                          " for that); it says: " + words,
                      "`kubectl pvc-expand` with --restart offline, the same command if it was that: it stops the "
                      "workload, lets the "
                      "volumes grow and starts it again"});
    const std::string unmounted =
        running_pods(facts).empty() ? "; no pod mounts it, and some drivers grow only what is mounted" : "";
    return warning({"claim-growth-failed", claim_object(facts), "driver",
                    driver_text(facts) + " says: " + words + unmounted,
                    unmounted.empty() ? "it is tried again by itself: limits of how often a volume may change pass in "
                                        "hours, anything else is mended in the storage"
                                      : "start the pod that uses it, or mend the cause in the storage"});
}

Finding judge_untouched(const ClaimFacts& facts) {
    const std::string& driver = facts.volume->driver;
    if (!driver.empty() && facts.driver == Sight::kAbsent)
        return error({"claim-growth-nobody", claim_object(facts), "driver",
                      "it waits for the driver " + driver + ", and no such CSI driver is installed",
                      remedy_driver(driver)});
    return warning({"claim-growth-nobody", claim_object(facts), "driver", "no resizer has taken its expansion up",
                    "look at the controller pods of " + driver_text(facts) +
                        ": `kubectl get pods -A | grep csi`; their container csi-resizer must run"});
}

}  // namespace

Findings judge_growth(const ClaimFacts& facts) {
    const kube::ResizeState& now = facts.growth;
    if (!now.requested || !now.capacity || *now.requested <= *now.capacity) return {};
    const std::string words = growth_error(facts);
    if (now.infeasible() && now.allocated && *now.allocated == *now.requested)
        return {error({"claim-growth-impossible", claim_object(facts), "driver",
                       driver_text(facts) + " refuses " + now.requested->text() + " for good" +
                           (words.empty() ? "" : ", it says: " + words),
                       "to ask for less: `kubectl pvc-expand recover pvc/" + facts.name + " -n " + facts.space + "`"})};
    if (now.stale())
        return {error({"claim-growth-stale", claim_object(facts), "claim",
                       "the status of its last expansion was never closed, and while it stands the resizer does not "
                       "act on a larger request",
                       "`kubectl pvc-expand recover pvc/" + facts.name + " -n " + facts.space + "` closes it"})};
    if (now.waits_for_node()) return {judge_on_node(facts)};
    if (!words.empty()) return {judge_refused_growth(facts, words)};
    if (now.resizing || !now.status.empty())
        return {info(
            {"claim-growing", claim_object(facts), "driver", driver_text(facts) + " is growing its volume", "wait"})};
    return {judge_untouched(facts)};
}

}  // namespace holdfast::diagnose
