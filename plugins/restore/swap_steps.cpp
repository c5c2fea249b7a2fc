#include "plugins/restore/swap_steps.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/make_step.h"

namespace holdfast::restore {
namespace {

using plan::Delete;
using plan::Patch;
using plan::Scale;
using plan::Step;

int replicas_from(const std::string& text, int otherwise) {
    const bool digits = !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::stoi(text) : otherwise;
}

}  // namespace

SwapSteps::SwapSteps(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
    : record_(record), facts_(facts), operation_(operation) {
    plan_.operation = operation;
    plan_.last = false;
}

void SwapSteps::scale_up() {
    if (!held_down(record_, facts_)) return;
    const Workload& workload = record_.workload;
    let_pods_end();
    const std::string was = kube::annotation_of(*facts_.workload, labels::kReplicas);
    const int replicas = replicas_from(was, record_.held.value_or(workload.replicas));
    Scale scale{workload.ref, replicas, {workload.uid, ""}};
    scale.from = workload.stopped;
    scale.annotations = {{labels::kReplicas, nullptr}};
    Step& step = phased("start", "scale " + workload.text() + " to " + std::to_string(replicas),
                        "as before; a number that somebody sets meanwhile wins", std::move(scale), "start");
    step.risk = plan::Risk::kRestartsPods;
    step.risk_text = "starts the pods: downtime ends when they are ready";
}

// A Deployment does not wait for a pod that ends before it makes the next: both would write to the volume. The number
// of its replicas comes first, since only then every pod that is to end has been told to. (A StatefulSet's next pod has
// the name of the one before it, and so waits by itself.)
void SwapSteps::let_pods_end() {
    const Workload& workload = record_.workload;
    if (workload.ref.resource != kube::kDeployments || facts_.pods.empty()) return;
    if (kube::replicas_of(*facts_.workload) != workload.stopped) return;  // somebody has started it
    phased("wait-told", "wait until " + workload.text() + " has told its pods to end", "",
           plan::WaitFor{workload.ref.resource, record_.space, {workload.ref.name}, plan::Condition::kNoReplicas, ""},
           "start");
    plan::WaitFor gone{kube::kPods, record_.space, {}, plan::Condition::kGone, ""};
    for (const Json& pod : facts_.pods) {
        if (!is_workloads_pod(record_, pod)) continue;
        gone.names.push_back(kube::name_of(pod));
        gone.uids.push_back(kube::uid_of(pod));
    }
    if (!gone.names.empty())
        phased("wait-ended", "wait until its pods have ended", "two pods must not write to one volume", std::move(gone),
               "start");
}

void SwapSteps::remove_provers() {
    for (const Json& pod : facts_.provers) {
        const std::string name = kube::name_of(pod);
        add("delete-pod-" + name, "delete pod/" + record_.space + "/" + name, "a throwaway",
            Delete{{kube::kPods, record_.space, name}, {kube::uid_of(pod), ""}});
    }
}

void SwapSteps::restore_retention() {
    if (!facts_.workload) return;
    const std::string was = kube::annotation_of(*facts_.workload, labels::kRetention);
    const std::size_t slash = was.find('/');
    if (slash == std::string::npos) return;  // done already, or there was nothing to do
    Json body = {{"metadata", {{"annotations", {{labels::kRetention, nullptr}}}}}};
    const kube::WorkloadState now = kube::workload_state_of(*facts_.workload);
    // Somebody's own choice since then wins.
    if (now.when_deleted == "Retain" && now.when_scaled == "Retain") {
        body["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", was.substr(0, slash)},
                                                                {"whenScaled", was.substr(slash + 1)}};
    }
    add("restore-retention", "set the claim retention policy of " + record_.workload.text() + " to " + was,
        "as it was before",
        Patch{record_.workload.ref, kube::PatchType::kMerge, std::move(body), {record_.workload.uid, ""}, ""});
}

void SwapSteps::look_again(const Swap& swap, const std::string& volume) {
    const Json* claim = claim_now(facts_, swap.claim);
    if (swap.old_policy == "Retain" || claim == nullptr) return;
    plan::WaitFor look{kube::kClaims, record_.space, {swap.claim}, plan::Condition::kClaimBound, ""};
    look.bound_to = {volume};
    look.uids = {kube::uid_of(*claim)};
    add("look-" + swap.claim, "see that pvc/" + record_.space + "/" + swap.claim + " still has pv/" + volume,
        "with a claim that goes, its volume would go too", std::move(look));
}

Step& SwapSteps::add(std::string id, std::string title, std::string reason, plan::Action action) {
    return plan::append_step(plan_, std::move(id), std::move(title), std::move(reason), std::move(action));
}
Step& SwapSteps::phased(std::string id, std::string title, std::string reason, plan::Action action, const char* phase) {
    Step& step = add(std::move(id), std::move(title), std::move(reason), std::move(action));
    step.phase = phase;
    return step;
}
std::vector<std::string> SwapSteps::after_last() const {
    return plan_.steps.empty() ? std::vector<std::string>{} : std::vector{plan_.steps.back().id};
}

Json SwapSteps::reference(const std::string& claim, const std::string& uid) const {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"namespace", record_.space},
            {"name", claim},
            {"uid", uid.empty() ? Json(nullptr) : Json(uid)},
            {"resourceVersion", nullptr}};
}

}  // namespace holdfast::restore
