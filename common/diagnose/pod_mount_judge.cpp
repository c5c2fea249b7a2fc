// A pod that has a node and whose volumes do not get there: attach, then mount.
#include "common/core/text.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/remedies.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

bool waits_for_volumes(const kube::PodState& pod) {
    if (pod.containers.empty()) return true;
    return std::any_of(pod.containers.begin(), pod.containers.end(), [](const kube::ContainerState& one) {
        return one.waiting_reason == "ContainerCreating" || one.waiting_reason == "PodInitializing";
    });
}

// Who holds the volume elsewhere: the attachment names the node, the other pods who uses it there.
std::string holder_text(const PodFacts& facts) {
    std::vector<std::string> parts;
    for (const kube::Attachment& one : facts.attachments) {
        if (one.node == facts.pod->node) continue;
        parts.push_back("volume " + one.volume + " is attached to node " + one.node +
                        (one.deleting ? ", from which it is being detached" : "") +
                        (one.detach_error.empty() ? "" : " (detaching fails: " + driver_words(one.detach_error) + ")"));
    }
    for (const kube::PodState& other : facts.rivals) {
        if (other.node.empty() || other.node == facts.pod->node) continue;
        parts.push_back("pod " + other.name + " uses it on " + other.node +
                        (other.deleting ? " and is being deleted" : ""));
    }
    return join(parts, "; ");
}

Finding judge_multi_attach(const PodFacts& facts, const kube::Event& event) {
    const std::string holder = holder_text(facts);
    const bool rival = std::any_of(facts.rivals.begin(), facts.rivals.end(), [&](const kube::PodState& other) {
        return !other.node.empty() && other.node != facts.pod->node && !other.deleting;
    });
    return error(
        {"pod-multi-attach", pod_object(facts), "volume",
         "its volume is still in use on another node, and ReadWriteOnce means one node: " +
             (holder.empty() ? event.message : holder),
         rival
             ? "stop the other pod first; two nodes must never write one disk"
             : "wait until the other node has let go (six minutes if it is dead). If that node is dead for good, say "
               "so: "
               "`kubectl taint node NODE node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`. Never force-delete "
               "the pod while the node may still run"});
}

Finding judge_attach(const PodFacts& facts, const kube::Event& event) {
    if (says(event.message, "Multi-Attach")) return judge_multi_attach(facts, event);
    if (says(event.message, "CSINode") && says(event.message, "does not contain driver")) {
        return error(
            {"driver-not-on-node", pod_object(facts), "driver",
             "its node " + facts.pod->node + " does not have the volume's driver: " + event.message,
             "the driver's DaemonSet must run on that node: `kubectl get csinode " + facts.pod->node + " -o yaml`"});
    }
    return error({"pod-attach-failed", pod_object(facts), "driver",
                  "its volume cannot be attached to " + facts.pod->node + ": " + driver_words(event.message),
                  "it is tried again by itself; mend what the driver names: `kubectl get volumeattachment`"});
}

Finding judge_mount(const PodFacts& facts, const kube::Event& event) {
    if (says(event.message, "not found in the list of registered CSI drivers")) {
        return error(
            {"driver-not-on-node", pod_object(facts), "driver",
             "the kubelet of its node " + facts.pod->node + " does not know the volume's driver: " + event.message,
             "the driver's DaemonSet must run on that node: `kubectl get csinode " + facts.pod->node + " -o yaml`"});
    }
    const bool object_missing = says(event.message, "configmap") || says(event.message, "secret");
    if (object_missing && says(event.message, "not found")) {
        return error({"pod-mount-object-missing", pod_object(facts), "pod",
                      "a volume of it cannot be set up: " + event.message,
                      "make that object in namespace " + facts.space + "; the pod then goes on by itself"});
    }
    return error({"pod-mount-failed", pod_object(facts), "driver",
                  "a volume of it cannot be mounted on " + facts.pod->node + ": " + driver_words(event.message),
                  "it is tried again by itself; mend what the driver names, or let the pod start on another node"});
}

}  // namespace

Findings judge_mounting(const PodFacts& facts) {
    const kube::PodState& pod = facts.pod.value;
    if (pod.node.empty() || !waits_for_volumes(pod)) return {};
    // The newer of the two decides: once a volume is attached, an old FailedAttachVolume says nothing any more.
    for (const kube::Event& event : facts.events) {
        if (event.reason == "FailedAttachVolume") return {judge_attach(facts, event)};
        if (event.reason == "FailedMount" || event.reason == "FailedMapVolume") return {judge_mount(facts, event)};
    }
    for (const kube::Attachment& one : facts.attachments) {
        if (one.node != pod.node || one.attached) continue;
        if (!one.attach_error.empty()) {
            return {error({"pod-attach-failed", pod_object(facts), "driver",
                           "its volume " + one.volume + " cannot be attached to " + pod.node + ": " +
                               driver_words(one.attach_error),
                           "it is tried again by itself; mend what the driver names"})};
        }
        return {
            info({"pod-attaching", pod_object(facts), "driver",
                  "its volume " + one.volume + " is being attached to " + pod.node + " by " + one.attacher, "wait"})};
    }
    return {};
}

}  // namespace holdfast::diagnose
