#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/remedies.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

std::string names_of(const std::vector<kube::StorageClass>& classes) {
    std::vector<std::string> names;
    for (const kube::StorageClass& one : classes) names.push_back(one.name + (one.is_default ? " (default)" : ""));
    return named(names, 8);
}

Findings judge_absent(const ClaimFacts& facts) {
    if (facts.refusals.empty()) {
        return {error({"claim-missing", claim_object(facts), "claim", "there is no such claim",
                       "`kubectl get pvc -n " + facts.space + "` lists those that there are"})};
    }
    return {judge_refusal(facts.refusals.front(), claim_object(facts), "there is no such claim, since ")};
}

Findings judge_class(const ClaimFacts& facts) {
    const kube::ClaimState& claim = facts.claim.value;
    if (!facts.classes.there() || facts.storage_class() != nullptr) return {};
    if (!claim.storage_class) {
        return {error(
            {"claim-no-default-class", claim_object(facts), "class",
             "it names no storage class, and none is the default (there are: " + names_of(facts.classes.value) + ")",
             facts.classes.value.empty()
                 ? "install a CSI driver and make a class for it"
                 : "make one the default: `kubectl annotate storageclass " + facts.classes.value.front().name +
                       " storageclass.kubernetes.io/is-default-class=true`; the claim then takes it by itself"})};
    }
    if (claim.storage_class->empty()) return {};
    return {error(
        {"claim-class-missing", claim_object(facts), "class",
         "there is no storage class " + *claim.storage_class + " (there are: " + names_of(facts.classes.value) + ")",
         "make a class of that name, or delete the claim (it holds no data) and make it with one that exists; a "
         "StatefulSet names it in volumeClaimTemplates"})};
}

// The claim asks for one volume by name.
Findings judge_named_volume(const ClaimFacts& facts) {
    const kube::ClaimState& claim = facts.claim.value;
    if (facts.volume.absent()) {
        return {error({"claim-volume-missing", claim_object(facts), "volume",
                       "it asks for the volume " + claim.volume + ", which does not exist",
                       "make that volume, or delete the claim and make it without spec.volumeName"})};
    }
    if (!facts.volume.there()) return {};
    const kube::Volume& volume = facts.volume.value;
    const bool ours =
        volume.claim_name.empty() || (volume.claim_space == claim.space && volume.claim_name == claim.name &&
                                      (volume.claim_uid.empty() || volume.claim_uid == claim.uid));
    if (!ours) {
        return {
            error({"claim-volume-taken", claim_object(facts), "volume",
                   "it asks for the volume " + claim.volume + ", which is bound to " + volume.claim_space + "/" +
                       volume.claim_name + (volume.claim_name == claim.name ? " of an earlier life (other uid)" : ""),
                   "look whose data it holds before its spec.claimRef is changed: `kubectl get pv " + claim.volume +
                       " -o yaml`"})};
    }
    if (volume.capacity_bytes >= 0 && claim.requested_bytes > volume.capacity_bytes) {
        return {error({"claim-volume-small", claim_object(facts), "volume",
                       "it asks for " + human_bytes(claim.requested_bytes) + ", its volume " + claim.volume + " has " +
                           human_bytes(volume.capacity_bytes),
                       "delete the claim and make it no larger than its volume; the volume's data stays"})};
    }
    return {};
}

// A class that waits for a pod, and no node has been chosen.
Findings judge_waiting(const ClaimFacts& facts) {
    const kube::StorageClass* one = facts.storage_class();
    if (one == nullptr || !one->waits_for_pod() || !facts.claim->selected_node.empty()) return {};
    if (facts.pods.empty()) {
        return {info({"claim-waits-for-pod", claim_object(facts), "claim",
                      "its class " + one->name +
                          " makes the volume when a pod uses the claim (WaitForFirstConsumer), and no pod does",
                      "nothing is wrong: start the pod that mounts it"})};
    }
    const kube::PodState& pod = facts.pods.front();
    const std::string lead =
        "its class " + one->name + " makes the volume on the node of its pod, and pod " + pod.name + " has none";
    if (pod.unschedulable.empty())
        return {info({"claim-waits-for-pod", claim_object(facts), "pod", lead + " yet", "wait"})};
    return {
        error({"claim-waits-for-pod", claim_object(facts), "pod", lead + ": the scheduler says: " + pod.unschedulable,
               "`kubectl snap doctor pod/" + pod.name + " -n " + facts.space + "`"})};
}

// What the provisioner says, or that there is none.
Finding judge_provisioning(const ClaimFacts& facts) {
    const kube::ClaimState& claim = facts.claim.value;
    const kube::StorageClass* one = facts.storage_class();
    const std::string provisioner = one != nullptr ? one->provisioner : claim.provisioner;
    if (const kube::Event* failed = kube::newest(facts.events, "ProvisioningFailed")) {
        return error({"claim-provisioning-failed", claim_object(facts), "driver",
                      "the provisioner " + provisioner + " says: " + driver_words(failed->message) + " (" +
                          counted(failed->count, "time") + ", last at " + failed->last_seen + ")",
                      "it tries again by itself: mend the cause in the storage or the class, or delete the claim; it "
                      "holds no data"});
    }
    const std::string served =
        kube::csi_driver_of_in_tree(provisioner).empty() ? provisioner : kube::csi_driver_of_in_tree(provisioner);
    const bool taken_up = kube::newest(facts.events, "Provisioning") != nullptr;
    if (!taken_up && facts.driver != Sight::kThere && !served.empty()) {
        return error(
            {"claim-nobody-provisions", claim_object(facts), "driver",
             "it waits for the provisioner " + served +
                 (kube::is_in_tree(provisioner) ? " (which its class calls " + provisioner + ", a name from before CSI)"
                                                : "") +
                 ", and nothing of that name has answered" +
                 (facts.driver == Sight::kAbsent ? ": no such CSI driver is installed" : ""),
             remedy_driver(served)});
    }
    if (!taken_up) {
        return warning(
            {"claim-not-taken-up", claim_object(facts), "driver",
             "it waits for the driver " + served + ", which is installed and has not taken it up",
             "look at the driver's controller pods (container csi-provisioner): `kubectl get pods -A | grep csi`"});
    }
    return info({"claim-provisioning", claim_object(facts), "driver", "the driver " + served + " is making its volume",
                 "wait"});
}

Findings judge_pending(const ClaimFacts& facts) {
    Findings found = judge_class(facts);
    if (found.empty() && !facts.claim->volume.empty()) found = judge_named_volume(facts);
    if (!found.empty()) return found;
    found = judge_data_source(facts);
    if (!found.empty()) return found;
    const kube::StorageClass* one = facts.storage_class();
    const bool by_hand = (facts.claim->storage_class && facts.claim->storage_class->empty()) ||
                         (one != nullptr && kube::provisions_nothing(one->provisioner));
    if (by_hand) return judge_static(facts);
    found = judge_waiting(facts);
    if (!found.empty()) return found;
    return {judge_provisioning(facts)};
}

Findings judge_deletion(const ClaimFacts& facts) {
    std::vector<std::string> holders;
    for (const kube::PodState& pod : facts.pods) holders.push_back("pod " + pod.name);
    const auto held = [&](const char* finalizer) {
        const auto& all = facts.claim->finalizers;
        return std::find(all.begin(), all.end(), finalizer) != all.end();
    };
    if (held("snapshot.storage.kubernetes.io/pvc-as-source-protection"))
        holders.push_back("a snapshot of it that is not ready");
    if (held("provisioner.storage.kubernetes.io/cloning-protection"))
        holders.push_back("a claim that is being cloned from it");
    return {info({"claim-deleting", claim_object(facts), "claim",
                  "it is being deleted" + (holders.empty() ? std::string() : ", and that waits for: " + named(holders)),
                  "wait; its data goes or stays by its volume's reclaim policy"})};
}

}  // namespace

std::string claim_object(const ClaimFacts& facts) { return "pvc/" + facts.space + "/" + facts.name; }

Findings judge_claim(const ClaimFacts& facts) {
    if (facts.claim.absent()) return judge_absent(facts);
    if (!facts.claim.there()) return {};
    Findings found = judge_dropped_source(facts);
    if (facts.claim->phase == "Lost") {
        found.push_back(error(
            {"claim-lost", claim_object(facts), "volume",
             "its volume " + facts.claim->volume + " is gone or bound to another claim",
             "find the volume (`kubectl get pv`) or restore from a snapshot; the claim itself never comes back"}));
    } else if (facts.claim->deleting) {
        append(found, judge_deletion(facts));
    } else if (facts.claim->pending()) {
        append(found, judge_pending(facts));
    } else {
        append(found, judge_growth(facts));
    }
    return found;
}

}  // namespace holdfast::diagnose
