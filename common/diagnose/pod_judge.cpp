#include "common/diagnose/pod_facts.h"
#include "common/diagnose/remedies.h"

namespace holdfast::diagnose {
namespace {

Findings judge_absent(const PodFacts& facts) {
    const std::string object = pod_object(facts);
    if (facts.refusals.empty()) {
        return {error({"pod-missing", object, "pod", "there is no such pod",
                       "`kubectl get pods -n " + facts.space + "` lists those that there are"})};
    }
    const kube::Event& event = facts.refusals.front();
    return {judge_refusal(event, object, "there is no such pod, since ")};
}

Findings judge_lost_node(const PodFacts& facts) {
    if (facts.node_ready != Sight::kAbsent) return {};
    return {error(
        {"pod-node-lost", pod_object(facts), "pod",
         "its node " + facts.pod->node + " does not answer" +
             (facts.pod->deleting ? ", so nobody can confirm that it has ended" : ""),
         "bring the node back. Only if it is certainly off: `kubectl taint node " + facts.pod->node +
             " node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`; a pod that is force-deleted while its node "
             "runs may write the disk a second time"})};
}

Finding judge_failed(const PodFacts& facts) {
    const kube::PodState& pod = facts.pod.value;
    const std::string why = pod.reason + (pod.message.empty() ? "" : ": " + pod.message);
    return error({"pod-failed", pod_object(facts), "pod", "it has failed" + (why.empty() ? "" : " (" + why + ")"),
                  remedy_describe("pod", facts.space, facts.name)});
}

}  // namespace

std::string pod_object(const PodFacts& facts) { return "pod/" + facts.space + "/" + facts.name; }

Findings judge_pod(const PodFacts& facts) {
    if (facts.pod.absent()) return judge_absent(facts);
    if (!facts.pod.there()) return {};
    const kube::PodState& pod = facts.pod.value;
    if (pod.phase == "Succeeded") return {};
    Findings found = judge_lost_node(facts);
    if (!found.empty()) return found;
    if (pod.deleting) {
        return {info({"pod-ending", pod_object(facts), "pod", "it is being deleted and has not ended yet",
                      "wait for its grace period"})};
    }
    if (pod.ready) return {};
    if (pod.node.empty() && pod.phase != "Failed") return judge_scheduling(facts);
    if (pod.phase != "Failed") found = judge_mounting(facts);
    if (found.empty()) found = judge_containers(facts);
    if (found.empty() && pod.phase == "Failed") found.push_back(judge_failed(facts));
    return found;
}

}  // namespace holdfast::diagnose
