// Claims are asked to grow and waited for; at the end the operation's mark goes.
#include "plugins/pvc-expand/round_planner.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <map>

namespace holdfast::expand {

using plan::Condition;
using plan::Patch;
using plan::Step;
using plan::WaitFor;

// All at once, but for the first claim of each workload, which tells of the others: it goes before them.
void Rounds::grow(bool canary) {
    if (std::vector<std::string> unbound = unbound_rebuilt(record_, state_); !unbound.empty()) {
        await_bound(std::move(unbound));
        plan_.shielded = held_down(record_, state_);
        return;
    }
    bool first = !begun(record_, state_);
    std::vector<std::string> asked;
    std::map<std::string, std::string> told;  // workload -> the step that tells of it
    for (const Growth& growth : record_.claims) {
        const auto claim = state_.claims.find(growth.claim);
        if (growth.canary != canary || claim == state_.claims.end() || growth.bears_only) continue;
        const bool marks =
            bears(record_, state_, growth) && kube::label_of(claim->second, labels::kExpanding) != operation_;
        const bool asks = !asks_enough(growth, state_);
        if (!asks && !marks) continue;
        const auto before = told.find(growth.workload);
        ask(growth, first && asks);
        plan_.steps.back().after.clear();
        if (before != told.end()) plan_.steps.back().after = {before->second};
        if (marks) told[growth.workload] = plan_.steps.back().id;
        asked.push_back(plan_.steps.back().id);
        first = first && !asks;
    }
    wait_grown(canary, true, asked);
    wait_grown(canary, false, asked);
    plan_.shielded = held_down(record_, state_);
}

void Rounds::ask(const Growth& growth, bool point_of_no_return) {
    const Json& claim = state_.claims.at(growth.claim);
    Json body = Json::object();
    if (!asks_enough(growth, state_)) body["spec"]["resources"]["requests"]["storage"] = growth.to;
    if (bears(record_, state_, growth)) mark(growth, body);
    // By the version that was read: nobody who has asked for more meanwhile is undone.
    Step& step = add(
        "grow-" + growth.claim,
        "grow pvc/" + record_.space + "/" + growth.claim + " from " + kube::request_text_of(claim) + " to " + growth.to,
        growth.canary          ? "first, before the others"
        : record_.sets.empty() ? ""
                               : "claims before the StatefulSet",
        Patch{claim_ref(growth.claim),
              kube::PatchType::kMerge,
              std::move(body),
              {kube::uid_of(claim), kube::version_of(claim)},
              ""});
    step.risk = plan::Risk::kFinal;
    step.risk_text = "cannot be taken back: volumes do not shrink";
    step.point_of_no_return = point_of_no_return;
    step.together = true;
    step.replan = true;
}

void Rounds::mark(const Growth& growth, Json& body) const {
    const std::string trace = trace_text(record_, growth.workload, operation_);
    body["metadata"]["labels"][labels::kExpanding] = operation_;
    if (!trace.empty()) body["metadata"]["annotations"][labels::kExpand] = trace;
}

// One that goes before the wait sees it would be waited for in vain.
void Rounds::as_read(WaitFor& wait) const {
    for (const std::string& name : wait.names) wait.uids.push_back(kube::uid_of(state_.claims.at(name)));
}

plan::WaitFor Rounds::growing_claims(bool canary, bool mounted, Condition condition) const {
    WaitFor wait{kube::kClaims, record_.space, {}, condition, ""};
    for (const Growth& growth : record_.claims) {
        if (growth.canary != canary || growth.mounted != mounted || !state_.claims.contains(growth.claim)) continue;
        if (asks_enough(growth, state_) && large_enough(growth, state_)) continue;
        wait.names.push_back(growth.claim);
        wait.sizes.push_back(growth.to);
    }
    as_read(wait);
    return wait;
}

// Volumes have grown, and no pod is there that could be restarted: one that comes mounts them anew.
bool Rounds::nothing_to_restart(bool canary) const {
    const bool waiting = std::any_of(record_.claims.begin(), record_.claims.end(), [&](const Growth& growth) {
        return growth.canary == canary && !large_enough(growth, state_) && needs_mount(growth, state_);
    });
    return waiting && pods_to_restart(record_, state_, canary).empty();
}

void Rounds::wait_grown(bool canary, bool mounted, const std::vector<std::string>& asked) {
    const bool whole = mounted && !by_volumes_first(canary);
    WaitFor wait = growing_claims(canary, mounted, whole ? Condition::kResized : Condition::kGrown);
    if (wait.names.empty()) return;
    const bool one = wait.names.size() == 1;
    const std::string count = std::to_string(wait.names.size()) + (one ? " claim" : " claims");
    const std::string volumes = one ? "volume" : "volumes", have = one ? " has " : " have ";
    Step& step = add(std::string("wait-") + (canary ? "canary-" : "") + (mounted ? "grown" : "grown-unmounted"),
                     whole     ? "wait until " + count + have + "the new capacity"
                     : mounted ? "wait until the " + volumes + " of " + count + have + "grown"
                               : "wait until the " + volumes + " of " + count + " without a pod" + have + "grown",
                     whole     ? "status.capacity says so, nothing else does"
                     : mounted ? "their filesystems come after them"
                               : "their filesystems grow at the next mount",
                     std::move(wait));
    step.after = asked.empty() ? step.after : asked;
    step.replan = true;
    step.phase = "grow";
    if (mounted && !whole && record_.restart == Restart::kIfNeeded) wait_for_nodes(canary);
}

// Where pods may be restarted, first the volumes alone: that part no restart would hasten. While they are stopped
// nothing else can grow.
bool Rounds::by_volumes_first(bool canary) const {
    if (record_.restart == Restart::kOffline) return held_down(record_, state_);
    return record_.restart == Restart::kIfNeeded && !nothing_to_restart(canary);
}

// The kubelet looks at a pod's volumes about once a minute (kubernetes pkg/kubelet, syncFrequency).
void Rounds::wait_for_nodes(bool canary) {
    WaitFor wait = growing_claims(canary, true, Condition::kResized);
    Step& step = add(std::string("wait-") + (canary ? "canary-" : "") + "filesystems",
                     "give the filesystems " + human_elapsed(static_cast<double>(record_.patience.count()) / 1000) +
                         " to grow by themselves",
                     "pods of those that do not are restarted after that", std::move(wait));
    step.limit = record_.patience;
    step.optional = true;
    step.phase = canary ? kCanaryNodes : kNodes;
}

// A replica that came before the new template was there: its claim is of the old size, and only a bound one can grow.
void Rounds::await_newcomers() { await_bound(unbound_newcomers(record_, state_)); }

void Rounds::await_bound(std::vector<std::string> claims) {
    WaitFor wait{kube::kClaims, record_.space, std::move(claims), Condition::kClaimBound, ""};
    as_read(wait);
    const std::string names = join(wait.names, ", ");
    Step& step = add("wait-bound", "wait until the claims of new replicas are bound: " + names,
                     "they were made of the template as it was, and grow once they have a volume", std::move(wait));
    step.replan = true;
    step.phase = "grow";
}

void Rounds::unmark() {
    settle_retention();
    // Whoever finds a mark finds work: they go last.
    const std::vector<std::string> after =
        plan_.steps.empty() ? std::vector<std::string>() : std::vector{plan_.steps.back().id};
    for (const Growth& growth : record_.claims) {
        // Also off one that goes, which a pod may hold for months.
        const auto going = state_.going.find(growth.claim);
        const auto claim = going != state_.going.end() ? going : state_.claims.find(growth.claim);
        if (claim == state_.claims.end() || kube::label_of(claim->second, labels::kExpanding) != operation_) continue;
        Json body = {
            {"metadata", {{"labels", {{labels::kExpanding, nullptr}}}, {"annotations", {{labels::kExpand, nullptr}}}}}};
        Step& step = add("unmark-" + growth.claim,
                         "take the operation's mark off pvc/" + record_.space + "/" + growth.claim, "it has ended",
                         Patch{claim_ref(growth.claim),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {kube::uid_of(claim->second), kube::version_of(claim->second)},
                               ""});
        step.after = after;
        step.together = true;
        step.replan = true;
    }
    plan_.last = true;
}

}  // namespace holdfast::expand
