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

}  // namespace

SwapSteps::SwapSteps(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
    : record_(record), facts_(facts), operation_(operation) {
    plan_.operation = operation;
    plan_.last = false;
}

plan::Hold SwapSteps::hold() const { return {record_.workload, *facts_.workload, record_.held}; }

void SwapSteps::scale_up() {
    if (held_down(record_, facts_)) plan::add_start(plan_, hold(), facts_.pods);
}

void SwapSteps::remove_provers() {
    for (const Json& pod : facts_.provers) {
        const std::string name = kube::name_of(pod);
        add("delete-pod-" + name, "delete pod/" + record_.space + "/" + name, "a throwaway",
            Delete{{kube::kPods, record_.space, name}, {kube::uid_of(pod), ""}});
    }
}

void SwapSteps::restore_retention() {
    if (facts_.workload) plan::add_retention_back(plan_, hold());
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
