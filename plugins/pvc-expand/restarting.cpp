// --restart if-needed: a driver that grows a filesystem only when it mounts it needs its pod to start again. One pod at
// a time, by eviction, so that PodDisruptionBudgets are respected; the next one only when the one before serves again.
#include "plugins/pvc-expand/round_planner.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <tuple>

namespace holdfast::expand {

using plan::Condition;
using plan::Delete;
using plan::Step;
using plan::WaitFor;

namespace {

// The number behind the last dash, as every StatefulSet's pod has one.
int ordinal_of(const Json& pod) {
    const std::string name = kube::name_of(pod), number = name.substr(name.rfind('-') + 1);
    const bool digits =
        !number.empty() && number.size() < 9 && number.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::stoi(number) : -1;
}

bool is_ready_pod(const Json& pod) { return kube::pod_state_of(pod).ready; }

// Of those that serve nobody the lowest first: with OrderedReady no pod is made while a lower one is not ready.
int turn_of(const Json& pod) { return is_ready_pod(pod) ? -ordinal_of(pod) : ordinal_of(pod); }

// nullptr: not of one of the record's.
const Json* set_behind(const ExpandState& state, const Json& pod) {
    for (const auto& [name, set] : state.sets) {
        if (kube::controller_uid_of(pod) == kube::uid_of(set)) return &set;
    }
    return nullptr;
}

long long min_ready_seconds(const ExpandState& state, const Json& pod) {
    const Json* set = set_behind(state, pod);
    return set == nullptr ? 0 : kube::min_ready_seconds_of(*set);
}

// Its controller makes it again only when every pod of a lower ordinal is ready. Of a set that was not read it is
// taken to be so.
bool needs_lower_ones(const ExpandState& state, const Json& pod) {
    const Json* set = set_behind(state, pod);
    return set == nullptr || kube::ordered_ready(*set);
}

}  // namespace

bool comes_again(const Json& pod) {
    const std::string kind = kube::controller_of(pod).kind;
    return kind == "StatefulSet" || kind == "ReplicaSet";
}

bool needs_mount(const Growth& growth, const ExpandState& state) {
    const auto found = state.claims.find(growth.claim);
    if (found == state.claims.end() || !growth.mounted || growth.bears_only) return false;
    const kube::ResizeState now = kube::resize_state_of(found->second);
    return now.waits_for_node() && !now.infeasible();
}

std::vector<PodToRestart> pods_to_restart(const ExpandRecord& record, const ExpandState& state, bool canary) {
    std::vector<PodToRestart> all;
    for (const Json& pod : state.pods) {
        if (kube::deleting(pod) || kube::ended(pod) || !comes_again(pod)) continue;
        PodToRestart one{&pod, {}};
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        for (const Growth& growth : record.claims) {
            const bool mounts = std::find(mounted.begin(), mounted.end(), growth.claim) != mounted.end();
            if (mounts && growth.canary == canary && !large_enough(growth, state) && needs_mount(growth, state))
                one.claims.push_back(&growth);
        }
        if (!one.claims.empty()) all.push_back(std::move(one));
    }
    std::stable_sort(all.begin(), all.end(), [](const PodToRestart& a, const PodToRestart& b) {
        return std::tuple(is_ready_pod(*a.pod), turn_of(*a.pod), kube::name_of(*a.pod)) <
               std::tuple(is_ready_pod(*b.pod), turn_of(*b.pod), kube::name_of(*b.pod));
    });
    return all;
}

// As it was asked before the first write: what was not rolled out then may have been changed since.
Status Rounds::restart(bool canary) {
    for (const PodToRestart& one : pods_to_restart(record_, state_, canary)) {
        const std::string of_set = kube::controller_of(*one.pod).name, revision = kube::revision_of_pod(*one.pod);
        const auto set = state_.sets.find(of_set);
        const std::string update = set == state_.sets.end() ? "" : kube::update_revision_of(set->second);
        if (!update.empty() && !revision.empty() && update != revision)
            return Error{ErrorKind::kConflict,
                         "pod/" + record_.space + "/" + kube::name_of(*one.pod) + " would come again as revision " +
                             escape_line(update) + " and is " + escape_line(revision) +
                             ": a restart would be a rollout; it was not evicted, its volume has grown",
                         "roll the StatefulSet out, then go on; or restart the pod yourself", 0, ""};
        restart(one);
    }
    return {};
}

void Rounds::restart(const PodToRestart& one) {
    const Json& pod = *one.pod;
    const std::string name = kube::name_of(pod);
    const kube::ObjectRef ref{kube::kPods, record_.space, name};
    const bool of_set = kube::controller_of(pod).kind == "StatefulSet";
    if (of_set && is_ready_pod(pod)) wait_calm(one);
    if (of_set && !is_ready_pod(pod)) wait_lower(one);
    Delete evict{ref, {kube::uid_of(pod), ""}};
    evict.evict = true;
    Step& step = add("evict-" + name, "evict " + ref.text(),
                     "its filesystem grows only when it is mounted anew; PodDisruptionBudgets may hold this up",
                     std::move(evict));
    step.risk = plan::Risk::kRestartsPods;
    step.risk_text = "restarts " + name;
    step.replan = true;
    step.phase = "restart";
    WaitFor grown{kube::kClaims, record_.space, {}, Condition::kResized, ""};
    for (const Growth* growth : one.claims) {
        grown.names.push_back(growth->claim);
        grown.sizes.push_back(growth->to);
    }
    as_read(grown);
    if (of_set) {
        Step& ready = add("ready-" + name, "wait until " + ref.text() + " is ready again", "before the next one",
                          WaitFor{kube::kPods, record_.space, {name}, Condition::kPodReady, ""});
        ready.replan = true;
        ready.phase = "restart";
    }
    Step& resized =
        add("mounted-" + name, "wait until the filesystems of " + ref.text() + " have grown", "", std::move(grown));
    resized.replan = true;
    resized.phase = "restart";
    // As the controller counts a pod as available.
    resized.pause = std::chrono::seconds(min_ready_seconds(state_, pod));
}

// Nothing else of the set may be down: with OrderedReady its controller would not even make the pod again. Its pods are
// looked at themselves, since the set's count may not have followed yet; and the set, since one that is not there (its
// name is taken, a quota is full) is not seen among them.
void Rounds::wait_calm(const PodToRestart& one) {
    WaitFor others{kube::kPods, record_.space, {}, Condition::kPodReady, ""};
    for (const Json& pod : state_.pods) {
        const bool same = kube::controller_uid_of(pod) == kube::controller_uid_of(*one.pod);
        if (same && &pod != one.pod && !kube::ended(pod)) others.names.push_back(kube::name_of(pod));
    }
    const std::string name = kube::name_of(*one.pod), set = kube::controller_of(*one.pod).name;
    if (!others.names.empty())
        add("calm-" + name, "wait until every other pod of its StatefulSet is ready", "one pod at a time",
            std::move(others))
            .replan = true;
    add("whole-" + name, "wait until none of the pods of sts/" + record_.space + "/" + set + " is missing", "",
        WaitFor{kube::kStatefulSets, record_.space, {set}, Condition::kAllReady, ""})
        .replan = true;
}

// In place of a pod that does not serve the controller must be able to make another.
void Rounds::wait_lower(const PodToRestart& one) {
    if (!needs_lower_ones(state_, *one.pod)) return;
    WaitFor lower{kube::kPods, record_.space, {}, Condition::kPodReady, ""};
    for (const Json& pod : state_.pods) {
        const bool same = kube::controller_uid_of(pod) == kube::controller_uid_of(*one.pod);
        if (same && ordinal_of(pod) < ordinal_of(*one.pod) && !kube::ended(pod))
            lower.names.push_back(kube::name_of(pod));
    }
    const std::string name = kube::name_of(*one.pod);
    if (lower.names.empty()) return;
    add("lower-" + name, "wait until the pods of lower ordinals are ready",
        "before that nobody would make " + name + " again", std::move(lower))
        .replan = true;
}

}  // namespace holdfast::expand
