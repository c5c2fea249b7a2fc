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

Status Rounds::adopt() {
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live == nullptr) return lost(set);
        const bool ours = remade_by(*live, operation_);
        const std::string difference = ours ? "" : kube::difference_but_size(set.manifest, *live);
        if (!difference.empty()) return changed(set, difference);
        strip(set, *live);
        wait_adopted(set, *live);
        lend(set, *live);
    }
    // Together, when all of them have their pods.
    const std::vector<std::string> after =
        plan_.steps.empty() ? std::vector<std::string>() : std::vector{plan_.steps.back().id};
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (!remade_by(*live, operation_)) continue;
        give_back(set, *live);
        plan_.steps.back().after = after;
        plan_.steps.back().together = true;
    }
    return {};
}

// A pod that still names the deleted set would be collected as garbage.
void Rounds::strip(const Template& set, const Json& live) {
    for (const Json& pod : pods_of(set, state_)) {
        const std::string owner = kube::controller_uid_of(pod);
        if (owner.empty() || owner == kube::uid_of(live) || owner != set.uid) continue;
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

void Rounds::wait_adopted(const Template& set, const Json& live) {
    WaitFor wait{kube::kPods, record_.space, {}, Condition::kAdopted, ""};
    wait.owner = kube::uid_of(live);
    for (const Json& pod : pods_of(set, state_)) wait.names.push_back(kube::name_of(pod));
    if (wait.names.empty()) return;
    Step& step = add("adopted-" + set.ref.name, "wait until the new " + set.text() + " has its pods",
                     "from then on a pod that dies is replaced again", std::move(wait));
    step.replan = true;
    step.phase = "swap";
}

void Rounds::lend(const Template& set, const Json& live) {
    for (const std::string& name : set.lent) {
        const auto claim = state_.claims.find(name);
        if (claim == state_.claims.end()) continue;
        Json owners = kube::owners_without(claim->second, kube::uid_of(live));
        if (kube::when_deleted_of(live) != "Delete" || owners.size() < kube::owners_of(claim->second).size()) continue;
        owners.push_back(kube::reference_to(live));
        set_owners(name, std::move(owners), "own-", "give pvc/",
                   "as the one before had it, which whenDeleted asks for");
    }
}

void Rounds::give_back(const Template& set, const Json& live) {
    const auto swapped = record_.swapped.find(set.ref.name);
    const Json& before = swapped == record_.swapped.end() ? set.manifest : set_before(swapped->second);
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
