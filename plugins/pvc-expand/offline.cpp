// --restart offline: a driver that grows only a volume that no pod uses needs the workload to be stopped. Its claims
// are secured before (safety R11), the number of its replicas is written beside them, and whatever happens from then
// on, it is brought back first (R13): by the next round, by the recovery after a failure, by resume and by abort.
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/round_planner.h"

#include <algorithm>

namespace holdfast::expand {

using plan::Condition;
using plan::HeldWorkload;
using plan::Patch;
using plan::Step;
using plan::WaitFor;

namespace {

const Json* workload_now(const ExpandState& state, const HeldWorkload& workload) {
    const auto found = state.workloads.find(workload.text());
    return found == state.workloads.end() ? nullptr : &found->second;
}

std::optional<int> number_of(const ExpandRecord& record, const HeldWorkload& workload) {
    const auto found = record.held.find(workload.text());
    return found == record.held.end() ? std::nullopt : std::optional(found->second);
}

// Of a claim whose volume is still to grow, or whose filesystem grows only when it is mounted anew.
bool mounts_one(const ExpandRecord& record, const ExpandState& state, const Json& pod) {
    const std::vector<std::string> mounted = kube::claims_of_pod(pod);
    return std::any_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
        return std::find(mounted.begin(), mounted.end(), growth.claim) != mounted.end() &&
               (!volume_grown(growth, state) || needs_mount(growth, state));
    });
}

std::vector<Json> pods_on(const ExpandRecord& record, const ExpandState& state) {
    std::vector<Json> pods;
    for (const Json& pod : state.pods) {
        if (!kube::ended(pod) && mounts_one(record, state, pod)) pods.push_back(pod);
    }
    return pods;
}

// Claims that a StatefulSet would take along at the scale-down, or that belong to it still.
std::vector<std::string> owned_by(const ExpandRecord& record, const ExpandState& state, const HeldWorkload& workload) {
    std::vector<std::string> names;
    for (const Growth& growth : record.claims) {
        const auto claim = state.claims.find(growth.claim);
        const bool its = growth.workload == workload.ref.name && workload.ref.resource == kube::kStatefulSets;
        if (its && growth.mounted && claim != state.claims.end() && !kube::owners_of(claim->second).empty())
            names.push_back(growth.claim);
    }
    return names;
}

// Also of what is stopped: an operation may have begun without that.
bool tells(const ExpandRecord& record, const Json& claim, const std::string& operation) {
    if (kube::label_of(claim, labels::kExpanding) != operation) return false;
    const Json trace = Json::parse(kube::annotation_of(claim, labels::kExpand), nullptr, false);
    const Json* stopped = trace.is_object() ? kube::find_at(trace, "/stopped") : nullptr;
    return !trace.is_object() || record.stopped.empty() || (stopped != nullptr && !stopped->empty());
}

bool secured(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    return marked(record, state, operation) &&
           std::all_of(record.stopped.begin(), record.stopped.end(), [&](const HeldWorkload& one) {
               const Json* live = workload_now(state, one);
               return live == nullptr || (!kube::deletes_claims(*live) && owned_by(record, state, one).empty());
           });
}

bool any_up(const ExpandRecord& record, const ExpandState& state) {
    return std::any_of(record.stopped.begin(), record.stopped.end(), [&](const HeldWorkload& one) {
        const Json* live = workload_now(state, one);
        return live != nullptr && kube::replicas_of(*live) != one.stopped;
    });
}

}  // namespace

bool bears(const ExpandRecord& record, const ExpandState& state, const Growth& growth) {
    const auto first = std::find_if(record.claims.begin(), record.claims.end(), [&](const Growth& one) {
        return one.workload == growth.workload && state.claims.contains(one.claim);
    });
    return first != record.claims.end() && first->claim == growth.claim;
}

bool marked(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    return std::all_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
        return !bears(record, state, growth) || tells(record, state.claims.at(growth.claim), operation);
    });
}

void follow_uids(ExpandRecord& record, const ExpandState& state) {
    for (HeldWorkload& one : record.stopped) {
        if (const Json* live = workload_now(state, one)) one.uid = kube::uid_of(*live);
    }
}

bool woken(const ExpandRecord& record, const ExpandState& state) {
    return std::any_of(record.stopped.begin(), record.stopped.end(), [&](const HeldWorkload& one) {
        const Json* live = workload_now(state, one);
        return live != nullptr && kube::replicas_of(*live) != one.stopped &&
               !kube::annotation_of(*live, labels::kReplicas).empty();
    });
}

bool volume_grown(const Growth& growth, const ExpandState& state) {
    const auto found = state.claims.find(growth.claim);
    if (found == state.claims.end() || growth.bears_only) return true;  // the one somebody has deleted
    if (!asks_enough(growth, state)) return false;
    const auto wanted = Quantity::parse(growth.to);
    const kube::ResizeState now = kube::resize_state_of(found->second);
    if (!wanted.ok() || (now.capacity && *now.capacity >= *wanted)) return true;
    return now.waits_for_node() && (!now.allocated || *now.allocated >= *wanted);
}

bool held_down(const ExpandRecord& record, const ExpandState& state) {
    return std::any_of(record.stopped.begin(), record.stopped.end(), [&](const HeldWorkload& one) {
        const Json* live = workload_now(state, one);
        return live != nullptr && plan::held_down({one, *live, number_of(record, one)});
    });
}

std::optional<Stage> offline_stage(const ExpandRecord& record, const ExpandState& state, const std::string& operation,
                                   bool started) {
    if (record.stopped.empty()) return std::nullopt;
    const bool left = record.restart == Restart::kOffline && !started &&
                      (!pods_on(record, state).empty() ||
                       std::any_of(record.claims.begin(), record.claims.end(),
                                   [&](const Growth& growth) { return !volume_grown(growth, state); }));
    if (!left) return held_down(record, state) ? std::optional(Stage::kStart) : std::nullopt;
    if (any_up(record, state)) return secured(record, state, operation) ? Stage::kStop : Stage::kSecure;
    if (!pods_on(record, state).empty() || !state.attachments.empty()) return Stage::kDrain;
    return std::nullopt;
}

plan::Hold Rounds::hold(const HeldWorkload& workload) const {
    return {workload, state_.workloads.at(workload.text()), number_of(record_, workload), "-" + workload.ref.name};
}

std::vector<const HeldWorkload*> Rounds::there() const {
    std::vector<const HeldWorkload*> found;
    for (const HeldWorkload& one : record_.stopped) {
        if (workload_now(state_, one) != nullptr) found.push_back(&one);
    }
    return found;
}

// Whoever finds a workload held down and no journal finds on its claims what it was, and how to go on.
void Rounds::secure() {
    for (const Growth& growth : record_.claims) {
        if (!bears(record_, state_, growth)) continue;
        const Json& claim = state_.claims.at(growth.claim);
        if (tells(record_, claim, operation_)) continue;
        Json body = Json::object();
        mark(growth, body);
        Step& step = add("mark-" + growth.claim, "mark pvc/" + record_.space + "/" + growth.claim + " as growing",
                         "so that the operation is known also without its journal",
                         Patch{claim_ref(growth.claim),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {kube::uid_of(claim), kube::version_of(claim)},
                               ""});
        step.replan = true;
    }
    for (const HeldWorkload* one : there()) {
        plan::add_retention(plan_, hold(*one));
        WaitFor wait{kube::kClaims, record_.space, owned_by(record_, state_, *one), Condition::kUnowned, ""};
        if (wait.names.empty()) continue;
        as_read(wait);
        add("wait-unowned-" + one->ref.name, "wait until the claims belong to nobody",
            "an owner that goes takes its claims along", std::move(wait))
            .replan = true;
    }
}

void Rounds::stop() {
    Json numbers = Json::object();
    for (const auto& [workload, number] : record_.held) numbers[workload] = number;
    for (const HeldWorkload* one : there()) {
        const plan::Hold held = hold(*one);
        const int now = kube::replicas_of(held.live);
        if (now == one->stopped) continue;
        numbers[one->text()] = now;
        plan::add_stop(plan_, held);
    }
    plan_.latest[kHeld] = std::move(numbers);
    plan_.shielded = true;
}

Status Rounds::drain() {
    const std::vector<Json> pods = pods_on(record_, state_);
    for (const Json& pod : pods) {
        const bool ours = std::any_of(record_.stopped.begin(), record_.stopped.end(),
                                      [&](const HeldWorkload& one) { return plan::is_pod_of(one, pod); });
        if (ours) continue;
        return Error{ErrorKind::kConflict,
                     "pod/" + record_.space + "/" + kube::name_of(pod) +
                         " uses one of the claims, and is of no workload that was stopped: its volume does not grow",
                     "stop it, then go on", 0, ""};
    }
    plan::add_pod_deletions(plan_, pods);
    if (!state_.attachments.empty()) {
        Step& step = add("wait-detached", "wait until the volumes are detached", "one that is attached counts as used",
                         WaitFor{kube::kVolumeAttachments, "", state_.attachments, Condition::kGone, ""});
        step.phase = "stop";
    }
    plan_.shielded = true;
    return {};
}

void Rounds::start() {
    std::vector<Json> pods;
    std::copy_if(state_.pods.begin(), state_.pods.end(), std::back_inserter(pods),
                 [](const Json& pod) { return !kube::ended(pod); });
    for (const HeldWorkload* one : there()) plan::add_start(plan_, hold(*one), pods);
    plan_.shielded = plan_.shielded || !plan_.steps.empty();
}

void Rounds::ready() {
    for (const HeldWorkload* one : there()) {
        WaitFor wait{one->ref.resource, record_.space, {one->ref.name}, Condition::kAllReady, ""};
        wait.generation = kube::generation_of(state_.workloads.at(one->text()));
        Step& step = add("ready-" + one->ref.name, "wait until every pod of " + one->text() + " is ready",
                         "downtime ends", std::move(wait));
        step.phase = kStarting;
    }
}

void Rounds::forget_numbers() {
    if (!record_.held.empty() && !held_down(record_, state_)) plan_.latest[kHeld] = Json::object();
}

void Rounds::settle_retention() {
    for (const HeldWorkload* one : there()) plan::add_retention_back(plan_, hold(*one));
    for (const Template& set : record_.sets) {
        if (!stopped_too(set)) settle_retention(set);
    }
}

bool Rounds::stopped_too(const Template& set) const {
    return std::any_of(record_.stopped.begin(), record_.stopped.end(),
                       [&](const HeldWorkload& one) { return one.ref == set.ref; });
}

// Of a set that was not replaced in the end: it would have got them with that.
void Rounds::settle_retention(const Template& set) {
    const Json* live = set_now(state_, set);
    if (live == nullptr || kube::deleting(*live) || remade_by(*live, operation_) || leftover_policy(set)) return;
    const plan::HeldWorkload workload = plan::held_workload(set.ref, *live);
    const std::string was = kube::annotation_of(*live, labels::kRetention);
    if (was.empty()) return;
    plan::add_retention_back(plan_, {workload, *live, std::nullopt, "-" + set.ref.name});
    lend(set, *live, was.substr(0, was.find('/')));
}

}  // namespace holdfast::expand
