#include "common/plan/operations.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/holding.h"
#include "common/plan/removal.h"

#include <algorithm>
#include <set>

namespace holdfast::plan {
namespace {

constexpr int kMostRoundsBack = 8;

// Where another round follows it reads anew what somebody has changed since this one was planned.
Status one_round_back(const Plan& plan, World& world, const Limits& limits) {
    const Outcome outcome = execute(plan, world, limits);
    return outcome.replan && !plan.last ? Status() : outcome.status;
}

// The waits that are left once it has ended.
Result<std::vector<Step>> take_back_held(Holding& holding, Journal& journal, const Plan& shown, const WayBack& back,
                                         const Limits& limits) {
    World& world = holding.world();
    TRY_ASSIGN(Plan plan, back(world.cluster));
    if (brief(plan) != brief(shown)) {
        return Error{
            ErrorKind::kConflict,
            "what abort would remove is not the same any more: somebody changed the cluster since the plan was "
            "made; nothing was removed",
            "run the command again and look at the new plan", 0, ""};
    }
    std::vector<Step> awaited = plan.awaited;
    TRY(one_round_back(plan, world, limits));
    // A fresh look says that nothing is left to be taken back; somebody may have been at work meanwhile.
    TRY_ASSIGN(Plan left, back(world.cluster));
    for (int round = 1; !left.steps.empty() && !plan.last && round < kMostRoundsBack; ++round) {
        plan = std::move(left);
        TRY(one_round_back(plan, world, limits));
        TRY_ASSIGN(left, back(world.cluster));
    }
    if (!left.steps.empty())
        return Error{ErrorKind::kConflict,
                     "what was taken back is not so any more: somebody changed the cluster meanwhile; the first step "
                     "that is left: " +
                         left.steps.front().title,
                     "run the command again", 0, ""};
    // The journal goes last: until then the same command finds what is still to be taken back, and the locks by it.
    TRY(world.may_write());
    holding.release(false);
    TRY(erase(world.cluster, journal));
    // What is read only now knows which pods go; of what was made again without a journal only the first look knew.
    return left.awaited.empty() ? std::move(awaited) : std::move(left.awaited);
}

Status wait_out(std::vector<Step> steps, const Journal& journal, World& world, const Limits& limits) {
    Plan plan;
    plan.operation = journal.operation;
    plan.steps = std::move(steps);
    return execute(plan, world, limits).status;
}

// Until a fresh look finds nothing to wait for. No operation is left that this could hold up, nor one to go on with.
Status come_back(std::vector<Step> awaited, const Journal& journal, World& world, const WayBack& back,
                 const Limits& limits) {
    for (int round = 0; !awaited.empty() && round < kMostRoundsBack; ++round) {
        TRY(wait_out(std::move(awaited), journal, world, limits));
        TRY_ASSIGN(Plan left, back(world.cluster));
        awaited = std::move(left.awaited);
    }
    if (awaited.empty()) return {};
    return Error{ErrorKind::kConflict, "pods of it end again and again", "", 0, ""};
}

Error not_up(Error error, const Journal& journal) {
    error.message = "operation " + journal.operation +
                    " was taken back and has ended, but its workload is not up yet: " + error.message;
    error.hint = "nothing is left to resume or to abort; what keeps it: kubectl get pods -n " + journal.space;
    return error;
}

}  // namespace

OperationStatus describe(const Journal& journal, const Owner& owner) {
    OperationStatus status;
    status.journal = journal;
    status.target = target_text(journal);
    status.who = owner.life == Life::kDead ? "" : owner.who;
    switch (owner.life) {
        case Life::kLive:
            status.owner = "runs";
            break;
        case Life::kDead:
            status.owner = journal.state == "done"                                       ? "finished"
                           : journal.state == "damaged" || journal.state == "unreadable" ? "journal " + journal.state
                                                                                         : "stopped";
            break;
        case Life::kSilent:
            status.owner = "not heard of lately";
            break;
    }
    const std::string rest = " " + journal.operation + " -n " + journal.space;
    status.resume = "kubectl " + journal.plugin + " resume" + rest;
    status.abort = "kubectl " + journal.plugin + " abort" + rest + " --dry-run";
    return status;
}

Result<Plan> plan_abort(kube::ClusterReader& reader, const Journal& journal) {
    if (journal.state == "done") {
        return Error{ErrorKind::kRefused,
                     "operation " + journal.operation + " is finished: there is nothing to abort; nothing was changed",
                     "", 0, ""};
    }
    Plan plan;
    plan.operation = journal.operation;
    std::vector<kube::ObjectRef> refs = created_objects(journal);
    std::reverse(refs.begin(), refs.end());
    std::vector<Found> found;
    std::set<std::string> own_pods;
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!objects[i].ok()) {
            if (objects[i].error().kind != ErrorKind::kNotFound) return objects[i].error().with_context(refs[i].text());
            continue;
        }
        if (kube::label_of(*objects[i], labels::kOperation) != journal.operation) {
            plan.notes.push_back(refs[i].text() + " is left: another operation or user made it");
            continue;
        }
        if (refs[i].resource == kube::kPods) own_pods.insert(refs[i].name);
        found.push_back({refs[i], *objects[i]});
    }
    // Not always beside the journal: a claim may be restored or cloned to another namespace.
    std::set<std::string> spaces;
    for (const Found& one : found) {
        if (one.ref.resource == kube::kClaims) spaces.insert(one.ref.space);
    }
    for (const std::string& space : spaces) {
        TRY_ASSIGN(const auto users, mounted_claims(reader, space, own_pods));
        std::erase_if(found, [&](const Found& one) {
            const auto user = users.find(one.ref.name);
            if (one.ref.resource != kube::kClaims || one.ref.space != space || user == users.end()) return false;
            plan.notes.push_back(one.ref.text() + " is left: pod " + user->second + " uses it");
            return true;
        });
    }
    // What a --pre held back is not ours to let go here: the pods may be others by now. It must be said.
    const std::string post = kube::text_at(journal.arguments, "/values/post/0");
    if (!post.empty()) {
        plan.notes.push_back(
            "--post is not run by abort, only by resume: if writes are still held back, let them go by hand: " +
            escape_line(post));
    }
    TRY(add_removals(reader, plan, std::move(found)));
    return plan;
}

Outcome take_back(World& world, Journal& journal, const Plan& shown, const WayBack& back, const Limits& limits) {
    Outcome outcome;
    auto holding = Holding::take(world, journal, true);
    if (!holding.ok()) {
        outcome.status = holding.error();
        return outcome;
    }
    outcome.wrote = true;
    auto awaited = take_back_held(**holding, journal, shown, back, limits);
    if (!awaited.ok()) outcome.status = awaited.error();
    if (!(*holding)->lost()) (*holding)->release(!awaited.ok());
    if (!awaited.ok()) return outcome;
    const Status up = come_back(std::move(*awaited), journal, world, back, limits);
    if (!up.ok()) outcome.status = not_up(up.error(), journal);
    return outcome;
}

}  // namespace holdfast::plan
