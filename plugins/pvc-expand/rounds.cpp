#include "plugins/pvc-expand/rounds.h"

#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "plugins/pvc-expand/round_planner.h"

#include <algorithm>

namespace holdfast::expand {

using plan::Plan;

plan::Step& Rounds::add(std::string id, std::string title, std::string reason, plan::Action action) {
    return plan::append_step(plan_, std::move(id), std::move(title), std::move(reason), std::move(action));
}

void Rounds::set_owners(const std::string& name, Json owners, const char* id, const char* title, const char* reason) {
    const Json& claim = state_.claims.at(name);
    if (owners.empty()) owners = nullptr;
    Json body = {{"metadata", {{"ownerReferences", std::move(owners)}}}};
    plan::Step& step = add(id + name, title + record_.space + "/" + name, reason,
                           plan::Patch{claim_ref(name),
                                       kube::PatchType::kMerge,
                                       std::move(body),
                                       {kube::uid_of(claim), kube::version_of(claim)},
                                       ""});
    step.replan = true;
}

Result<Plan> plan_round(Stage stage, const ExpandRecord& record, const ExpandState& state, const std::string& operation,
                        SystemTime now) {
    Rounds rounds(record, state, operation);
    TRY(rounds.check_sets());
    TRY(rounds.check_claims(stage));
    switch (stage) {
        case Stage::kSecure:
            rounds.secure();
            break;
        case Stage::kStop:
            rounds.stop();
            return rounds.take();
        case Stage::kDrain:
            TRY(rounds.drain());
            break;
        case Stage::kStart:
            rounds.start();
            break;
        case Stage::kReady:
            rounds.ready();
            break;
        case Stage::kCanary:
            rounds.grow(true);
            break;
        case Stage::kGrow:
            rounds.grow(false);
            break;
        case Stage::kRestartCanary:
            TRY(rounds.restart(true));
            break;
        case Stage::kRestart:
            TRY(rounds.restart(false));
            break;
        case Stage::kRelease:
            TRY(rounds.release());
            break;
        case Stage::kSwap:
            TRY(rounds.swap(now));
            break;
        case Stage::kAdopt:
            TRY(rounds.adopt());
            break;
        case Stage::kNewcomers:
            rounds.await_newcomers();
            break;
        case Stage::kClose:
            rounds.unmark();
            break;
    }
    rounds.forget_numbers();
    return rounds.take();
}

Plan plan_service(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    Rounds rounds(record, state, operation);
    rounds.service();
    Plan plan = rounds.take();
    // Once it is up again a number that somebody sets is its owner's.
    if (held_down(record, state)) plan.latest[kHeld] = Json::object();
    return plan;
}

Plan plan_way_out(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    Rounds rounds(record, state, operation);
    if (!missing_sets(record, state).empty()) {
        rounds.service();
        return rounds.take();
    }
    const bool adopts = std::any_of(record.sets.begin(), record.sets.end(), [&](const Template& set) {
        const Json* live = set_now(state, set);
        return live != nullptr && !kube::deleting(*live) && remade_by(*live, operation);
    });
    if (!adopts) return plan_unmark(record, state, operation);
    rounds.adopt_ours();
    return rounds.take();
}

Plan plan_unmark(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    Rounds rounds(record, state, operation);
    rounds.start();
    rounds.unmark();
    return rounds.take();
}

}  // namespace holdfast::expand
