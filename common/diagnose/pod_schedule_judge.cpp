// A pod without a node: what the scheduler says, and which volume is behind it.
#include "common/core/text.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/remedies.h"

namespace holdfast::diagnose {
namespace {

// "volume pvc-1 of claim data-0 is in topology.kubernetes.io/zone in (a)".
std::string places_of(const PodFacts& facts) {
    std::vector<std::string> places;
    for (const ClaimFacts& claim : facts.claims) {
        if (!claim.volume.there() || claim.volume->places.empty()) continue;
        places.push_back("the volume of claim " + claim.name + " can only be reached where " +
                         join(claim.volume->places, " or "));
    }
    return join(places, "; ");
}

Findings judge_claims(const PodFacts& facts) {
    Findings found;
    for (const ClaimFacts& claim : facts.claims) append(found, judge_claim(claim));
    // A claim that waits for this very pod explains nothing of it.
    std::erase_if(found, [](const Finding& one) { return one.code == "claim-waits-for-pod"; });
    return found;
}

Finding judge_words(const PodFacts& facts, const std::string& words) {
    const std::string object = pod_object(facts), places = places_of(facts);
    const std::string said = "no node can take it: " + words;
    const bool volume = says(words, "volume node affinity") || says(words, "PersistentVolume's node affinity");
    if (volume) {
        return error(
            {"pod-volume-elsewhere", object, "volume", said + (places.empty() ? "" : "; " + places),
             "the nodes there must be up, uncordoned and have room, or the pod's nodeSelector and affinity must allow "
             "them: `kubectl get nodes`; the data is intact"});
    }
    if (says(words, "Insufficient ") || says(words, "Too many pods")) {
        return error({"pod-no-room", object, "pod", said + (places.empty() ? "" : "; " + places),
                      "make room on a node that can reach its volumes, or lower its requests"});
    }
    if (says(words, "volume limit") || says(words, "max volume count")) {
        return error({"pod-too-many-volumes", object, "driver", said,
                      "a node takes no more volumes of this driver: add a node, or move pods"});
    }
    return error(
        {"pod-unschedulable", object, "pod", said + (places.empty() ? "" : "; " + places),
         "compare its nodeSelector, affinity and tolerations with the nodes: `kubectl get nodes --show-labels`"});
}

}  // namespace

Findings judge_scheduling(const PodFacts& facts) {
    const kube::PodState& pod = facts.pod.value;
    const std::string object = pod_object(facts);
    Findings found = judge_claims(facts);
    const bool claims_explain =
        says(pod.unschedulable, "unbound immediate PersistentVolumeClaims") ||
        (says(pod.unschedulable, "persistentvolumeclaim") && says(pod.unschedulable, "not found"));
    if (pod.gated) {
        found.push_back(info({"pod-gated", object, "pod", "its scheduling gates hold it: " + pod.unschedulable,
                              "whoever set spec.schedulingGates takes them away"}));
    } else if (pod.unschedulable.empty()) {
        const std::string who = pod.scheduler.empty() ? "default-scheduler" : pod.scheduler;
        found.push_back(warning({"pod-not-looked-at", object, "pod", "the scheduler " + who + " has not looked at it",
                                 "if this stays, that scheduler does not run: `kubectl get pods -n kube-system`"}));
    } else if (!(claims_explain && !found.empty())) {
        found.push_back(judge_words(facts, pod.unschedulable));
    }
    return found;
}

}  // namespace holdfast::diagnose
