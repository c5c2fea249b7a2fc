// The StatefulSet that was made anew takes its pods up; claims and fields belong to whom they did before.
#include "plugins/pvc-expand/round_planner.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

namespace holdfast::expand {

using plan::Condition;
using plan::Patch;
using plan::Step;
using plan::WaitFor;

namespace {

constexpr char kFieldManager[] = "kubectl-pvc-expand";  // app/session.cpp

}  // namespace

Status Rounds::adopt() {
    std::vector<const Template*> sets;
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live == nullptr) return lost(set);
        const bool ours = remade_by(*live, operation_);
        const std::string difference = ours ? "" : kube::difference_but_size(as_deleted(set), *live);
        if (!difference.empty()) return changed(set, difference);
        sets.push_back(&set);
    }
    adopt(sets);
    return {};
}

void Rounds::adopt_ours() {
    std::vector<const Template*> sets;
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live != nullptr && !kube::deleting(*live) && remade_by(*live, operation_)) sets.push_back(&set);
    }
    adopt(sets);
}

void Rounds::adopt(const std::vector<const Template*>& sets) {
    // First of all: what names a set that is gone is not taken up, and collected as garbage.
    for (const Template* set : sets) {
        strip(*set, *set_now(state_, *set));
        strip_claims(*set_now(state_, *set));
    }
    for (const Template* set : sets) {
        const Json& live = *set_now(state_, *set);
        wait_adopted(*set, live);
        lend(*set, live, kube::when_deleted_of(live));
    }
    // Together, when all of them have their pods.
    const std::vector<std::string> after =
        plan_.steps.empty() ? std::vector<std::string>() : std::vector{plan_.steps.back().id};
    for (const Template* set : sets) {
        const Json* live = set_now(state_, *set);
        if (!remade_by(*live, operation_)) continue;
        give_back(*set, *live);
        plan_.steps.back().after = after;
        plan_.steps.back().together = true;
    }
}

// A pod that still names the deleted set would be collected as garbage.
void Rounds::strip(const Template& set, const Json& live) {
    for (const Json& pod : pods_of(set, state_)) {
        const std::string owner = kube::uid_of_earlier_owner(live, pod);
        if (owner.empty()) continue;
        const std::string name = kube::name_of(pod);
        Json owners = kube::owners_without(pod, owner);
        if (owners.empty()) owners = nullptr;
        Json body = {{"metadata", {{"ownerReferences", std::move(owners)}}}};
        Step& step =
            add("strip-" + name, "take the deleted StatefulSet off the owners of pod/" + record_.space + "/" + name,
                "else it is collected as garbage",
                Patch{{kube::kPods, record_.space, name},
                      kube::PatchType::kMerge,
                      std::move(body),
                      {kube::uid_of(pod), kube::version_of(pod)},
                      ""});
        step.replan = true;
    }
}

// The same of a claim: its controller takes such a reference for somebody else's and leaves it (hasStaleOwnerRef).
void Rounds::strip_claims(const Json& live) {
    for (const auto& [name, claim] : state_.claims) {
        const std::string owner = kube::uid_of_earlier_owner(live, claim);
        const auto place = kube::template_of_claim(live, name);
        if (owner.empty() || place.claim_template == nullptr) continue;
        set_owners(name, kube::owners_without(claim, owner), "strip-claim-", "take the deleted StatefulSet off pvc/",
                   "else it is collected as garbage");
    }
}

void Rounds::wait_adopted(const Template& set, const Json& live) {
    WaitFor wait{kube::kPods, record_.space, {}, Condition::kAdopted, ""};
    wait.owner = kube::uid_of(live);
    for (const Json& pod : pods_of(set, state_)) wait.names.push_back(kube::name_of(pod));
    if (wait.names.empty()) return wait_taken_up(set, live);
    Step& step = add("adopted-" + set.ref.name, "wait until the new " + set.text() + " has its pods",
                     "from then on a pod that dies is replaced again", std::move(wait));
    step.replan = true;
    step.phase = "swap";
}

// Without pods the revisions are all that it takes up: before its controller says that it has seen the set.
void Rounds::wait_taken_up(const Template& set, const Json& live) {
    if (kube::observed(live)) return;
    WaitFor wait{kube::kStatefulSets, record_.space, {set.ref.name}, Condition::kObserved, ""};
    wait.generation = kube::generation_of(live);
    Step& step = add("adopted-" + set.ref.name, "wait until its controller has seen the new " + set.text(),
                     "it has no pods, and its revisions are the new one's from then on", std::move(wait));
    step.replan = true;
    step.phase = "swap";
}

void Rounds::lend(const Template& set, const Json& live, const std::string& when_deleted) {
    for (const std::string& name : set.lent) {
        const auto claim = state_.claims.find(name);
        if (claim == state_.claims.end()) continue;
        Json owners = kube::owners_without(claim->second, kube::uid_of(live));
        if (when_deleted != "Delete" || owners.size() < kube::owners_of(claim->second).size()) continue;
        owners.push_back(kube::reference_to(live));
        set_owners(name, std::move(owners), "own-", "give pvc/",
                   "as the one before had it, which whenDeleted asks for");
    }
}

void Rounds::give_back(const Template& set, const Json& live) {
    const Json before = kube::without_our_fields(as_deleted(set), set.manifest, kFieldManager);
    Step& step = add("fields-" + set.ref.name, "give the fields of " + set.text() + " back to those who owned them",
                     "server-side apply goes on as before",
                     Patch{set.ref,
                           kube::PatchType::kJson,
                           kube::owners_patch(before, live, {labels::kRemade}),
                           {kube::uid_of(live), kube::version_of(live)},
                           ""});
    step.replan = true;
}

}  // namespace holdfast::expand
