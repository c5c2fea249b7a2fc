#include "common/plan/hold_down.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/make_step.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

int replicas_from(const std::string& text, int otherwise) {
    const bool digits = !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::stoi(text) : otherwise;
}

Step& in_phase(Step& step, const char* phase) {
    step.phase = phase;
    return step;
}

bool is_set(const HeldWorkload& workload) { return workload.ref.resource == kube::kStatefulSets; }

// The number of its replicas comes first, since only then every pod that is to end has been told to.
void let_pods_end(Plan& plan, const Hold& hold, const std::vector<Json>& pods) {
    const HeldWorkload& workload = hold.workload;
    if (workload.ref.resource != kube::kDeployments || pods.empty()) return;
    if (kube::replicas_of(hold.live) != workload.stopped) return;  // somebody has started it
    const std::string& space = workload.ref.space;
    in_phase(append_step(plan, "wait-told" + hold.mark, "wait until " + workload.text() + " has told its pods to end",
                         "", WaitFor{workload.ref.resource, space, {workload.ref.name}, Condition::kNoReplicas, ""}),
             "start");
    WaitFor gone{kube::kPods, space, {}, Condition::kGone, ""};
    for (const Json& pod : pods) {
        if (!is_pod_of(workload, pod)) continue;
        gone.names.push_back(kube::name_of(pod));
        gone.uids.push_back(kube::uid_of(pod));
    }
    if (!gone.names.empty())
        in_phase(append_step(plan, "wait-ended" + hold.mark, "wait until its pods have ended",
                             "two pods must not write to one volume", std::move(gone)),
                 "start");
}

}  // namespace

HeldWorkload held_workload(const kube::ObjectRef& ref, const Json& live) {
    const kube::WorkloadState state = kube::workload_state_of(live);
    return {ref, state.uid, state.replicas, 0, state.when_deleted, state.when_scaled};
}

Json held_workload_json(const HeldWorkload& workload) {
    return {{"group", workload.ref.resource.group},
            {"resource", workload.ref.resource.plural},
            {"name", workload.ref.name},
            {"uid", workload.uid},
            {"replicas", workload.replicas},
            {"stopped", workload.stopped},
            {"whenDeleted", workload.when_deleted},
            {"whenScaled", workload.when_scaled}};
}

Result<HeldWorkload> held_workload_of(const Json& json, const std::string& space) {
    HeldWorkload workload;
    const std::string name = kube::text_at(json, "/name");
    if (name.empty()) return workload;
    const kube::Resource* resource = kube::find_plural(kube::text_at(json, "/group"), kube::text_at(json, "/resource"));
    if (resource == nullptr) return Error{ErrorKind::kInvalid, "its workload is of an unknown kind", "", 0, ""};
    workload.ref = {*resource, space, name};
    workload.uid = kube::text_at(json, "/uid");
    workload.replicas = static_cast<int>(kube::number_at(json, "/replicas", -1));
    workload.stopped = static_cast<int>(kube::number_at(json, "/stopped", 0));
    workload.when_deleted = kube::text_at(json, "/whenDeleted");
    workload.when_scaled = kube::text_at(json, "/whenScaled");
    if (workload.uid.empty() || workload.replicas < 0)
        return Error{ErrorKind::kInvalid, "its workload has no uid or no replicas", "", 0, ""};
    return workload;
}

bool held_down(const Hold& hold) {
    const int stopped = hold.workload.stopped;
    const bool still = hold.number && *hold.number > stopped && kube::replicas_of(hold.live) == stopped;
    return still || !kube::annotation_of(hold.live, labels::kReplicas).empty();
}

bool is_pod_of(const HeldWorkload& workload, const Json& pod) {
    const std::vector<kube::OwnerReference> owners = kube::owners_of(pod);
    return std::any_of(owners.begin(), owners.end(), [&](const kube::OwnerReference& owner) {
        if (!owner.controller) return false;
        if (owner.uid == workload.uid) return true;
        return workload.ref.resource == kube::kDeployments && owner.kind == "ReplicaSet" &&
               owner.name == kube::replica_set_name(workload.ref.name, kube::label_of(pod, "pod-template-hash"));
    });
}

Status check_not_lost(const Json& pod) {
    if (!kube::lost_with_its_node(pod)) return {};
    return refused("pod/" + kube::space_of(pod) + "/" + kube::name_of(pod) + " is on a lost node (" +
                       escape_line(kube::node_of(pod)) +
                       "): it may still run and write to its volume, and is never force-deleted",
                   "bring the node back, or make sure that it is off and taint it "
                   "node.kubernetes.io/out-of-service=:NoExecute");
}

void add_stop(Plan& plan, const Hold& hold) {
    const HeldWorkload& workload = hold.workload;
    const int now = kube::replicas_of(hold.live);
    Scale scale{workload.ref, workload.stopped, {workload.uid, ""}};
    scale.from = now;
    scale.annotations = {{labels::kReplicas, std::to_string(now)}};
    scale.edit_wins = false;
    Step& step = in_phase(
        append_step(
            plan, "stop" + hold.mark, "scale " + workload.text() + " to " + std::to_string(workload.stopped),
            "no pod may hold the volumes; the annotation " + std::string(labels::kReplicas) + " keeps the old number",
            std::move(scale)),
        "stop");
    step.risk = Risk::kStopsWrites;
    step.risk_text = "stops writes: downtime begins";
    in_phase(append_step(plan, "wait-stopped" + hold.mark,
                         "wait until the controller of " + workload.text() + " has seen it", "",
                         WaitFor{workload.ref.resource,
                                 workload.ref.space,
                                 {workload.ref.name},
                                 is_set(workload) ? Condition::kObserved : Condition::kNoReplicas,
                                 ""}),
             "stop");
}

void add_pod_deletions(Plan& plan, const std::vector<Json>& pods) {
    std::vector<const Json*> ordered;
    for (const Json& pod : pods) ordered.push_back(&pod);
    const auto ordinal = [](const Json* pod) {
        const std::string name = kube::name_of(*pod);
        return replicas_from(name.substr(name.rfind('-') + 1), -1);
    };
    std::stable_sort(ordered.begin(), ordered.end(),
                     [&](const Json* a, const Json* b) { return ordinal(a) > ordinal(b); });
    for (const Json* pod : ordered) {
        const kube::ObjectRef ref{kube::kPods, kube::space_of(*pod), kube::name_of(*pod)};
        in_phase(append_step(plan, "delete-pod-" + ref.name, "delete " + ref.text(),
                             "with its own grace; an unready pod would hold up the scale-down for ever",
                             Delete{ref, {kube::uid_of(*pod), ""}}),
                 "stop");
    }
}

void add_start(Plan& plan, const Hold& hold, const std::vector<Json>& pods) {
    if (!held_down(hold)) return;
    const HeldWorkload& workload = hold.workload;
    let_pods_end(plan, hold, pods);
    const std::string was = kube::annotation_of(hold.live, labels::kReplicas);
    const int replicas = replicas_from(was, hold.number.value_or(workload.replicas));
    Scale scale{workload.ref, replicas, {workload.uid, ""}};
    scale.from = workload.stopped;
    scale.annotations = {{labels::kReplicas, nullptr}};
    Step& step =
        in_phase(append_step(plan, "start" + hold.mark, "scale " + workload.text() + " to " + std::to_string(replicas),
                             "as before; a number that somebody sets meanwhile wins", std::move(scale)),
                 "start");
    step.risk = Risk::kRestartsPods;
    step.risk_text = "starts the pods: downtime ends when they are ready";
}

void add_retention(Plan& plan, const Hold& hold) {
    const HeldWorkload& workload = hold.workload;
    if (!is_set(workload) || !kube::deletes_claims(hold.live)) return;
    const kube::WorkloadState now = kube::workload_state_of(hold.live);
    Json body = {
        {"spec", {{"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}}}}};
    if (kube::annotation_of(hold.live, labels::kRetention).empty())
        body["metadata"] = {{"annotations", {{labels::kRetention, now.when_deleted + "/" + now.when_scaled}}}};
    append_step(plan, "retain-claims" + hold.mark,
                "set the claim retention policy of " + workload.text() + " to Retain",
                "scaling down must not delete claims",
                Patch{workload.ref, kube::PatchType::kMerge, std::move(body), {workload.uid, ""}, ""});
}

void add_retention_back(Plan& plan, const Hold& hold) {
    const HeldWorkload& workload = hold.workload;
    const std::string was = kube::annotation_of(hold.live, labels::kRetention);
    const std::size_t slash = was.find('/');
    if (slash == std::string::npos) return;  // done already, or there was nothing to do
    Json body = {{"metadata", {{"annotations", {{labels::kRetention, nullptr}}}}}};
    const kube::WorkloadState now = kube::workload_state_of(hold.live);
    // Somebody's own choice since then wins.
    if (now.when_deleted == "Retain" && now.when_scaled == "Retain") {
        body["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", was.substr(0, slash)},
                                                                {"whenScaled", was.substr(slash + 1)}};
    }
    append_step(plan, "restore-retention" + hold.mark,
                "set the claim retention policy of " + workload.text() + " to " + was, "as it was before",
                Patch{workload.ref, kube::PatchType::kMerge, std::move(body), {workload.uid, ""}, ""});
}

}  // namespace holdfast::plan
