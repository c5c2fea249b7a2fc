// How an expansion that has failed, or is to be taken back, leaves its workload: what abort may still do, and what is
// said of a StatefulSet that is gone.
#include "plugins/pvc-expand/expand.h"

#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "common/plan/observe.h"
#include "plugins/pvc-expand/rounds.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace holdfast::expand {
namespace {

// The driver said that this size cannot be, for this claim.
bool impossible(const Error& error) {
    return error.kind == ErrorKind::kUnavailable &&
           error.message.find("the storage cannot make it") != std::string::npos;
}

// Filesystems that nothing but a mount makes grow, and a wait for them that nobody may shorten by a restart.
bool wants_restart(const ExpandRecord& record, const ExpandState& state, const Error& error) {
    return error.kind == ErrorKind::kTimeout && record.restart == Restart::kNever &&
           std::any_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
               return !large_enough(growth, state) && needs_mount(growth, state);
           });
}

// A driver that says that it grows no volume which a pod uses: what a wait that ended was explained by.
bool wants_offline(const ExpandRecord& record, const Error& error) {
    return error.kind == ErrorKind::kTimeout && record.restart != Restart::kOffline &&
           error.message.find(diagnose::kGrowsOffline) != std::string::npos;
}

// The line that comes to an end where this one has not; "" : this one does.
std::string way_on(const ExpandRecord& record, const ExpandState& state, const Error& error) {
    if (wants_offline(record, error))
        return "the same command with --restart offline goes on: it stops the workload, lets the volumes grow, and "
               "starts it again";
    if (wants_restart(record, state, error))
        return "where a filesystem grows only when it is mounted anew: the same command with --restart if-needed "
               "starts those pods again, one at a time";
    return "";
}

bool every_pod_ready(const Json& workload) {
    return plan::observe(plan::Condition::kAllReady, &workload).state == plan::Verdict::State::kDone;
}

// Of workloads that were stopped: until each pod that was told to end has, and every one is ready. A StatefulSet counts
// those that are still going as ready.
std::vector<plan::Step> until_up(const ExpandRecord& record, const ExpandState& state, bool stopped) {
    plan::Plan plan;
    for (const plan::HeldWorkload& one : record.stopped) {
        const auto live = state.workloads.find(one.text());
        if (live == state.workloads.end()) continue;
        plan::WaitFor gone{kube::kPods, record.space, {}, plan::Condition::kGone, ""};
        for (const Json& pod : state.pods) {
            if (!plan::is_pod_of(one, pod) || !kube::deleting(pod)) continue;
            gone.names.push_back(kube::name_of(pod));
            gone.uids.push_back(kube::uid_of(pod));
        }
        const bool up_already = every_pod_ready(live->second) && !held_down(record, state);
        if (gone.names.empty() && (!stopped || up_already)) continue;
        if (!gone.names.empty())
            plan::append_step(plan, "ended-" + one.ref.name, "wait until the pods of " + one.text() + " have ended",
                              "those that were stopped; others come in their place", std::move(gone));
        plan::WaitFor up{one.ref.resource, record.space, {one.ref.name}, plan::Condition::kAllReady, ""};
        up.generation = kube::generation_of(live->second);
        plan::append_step(plan, "up-" + one.ref.name, "wait until every pod of " + one.text() + " is ready",
                          "downtime ends", std::move(up));
    }
    return std::move(plan.steps);
}

}  // namespace

// Whoever cannot even look must hear first of all what may be down.
Error Expand::unseen(Error error, const std::string& operation) const {
    for (const plan::HeldWorkload& one : record_->stopped) {
        if (!record_->held.contains(one.text())) continue;
        error.message += "; " + one.text() + " may be held down at " + std::to_string(one.stopped) +
                         " replicas: resume brings it back to " + std::to_string(record_->held.at(one.text()));
    }
    for (const Template& set : record_->sets) {
        if (record_->swapped.contains(set.ref.name))
            error.message += "; " + set.text() + " may be deleted and not made anew yet: " + gone_text(operation) +
                             ", and resume makes it";
    }
    return error;
}

// What is true of a set in the gap.
std::string Expand::gone_text(const std::string& operation) const {
    const std::string file = folder_ + "/" + operation + ".json";
    std::error_code nothing;
    return "its pods run on, and nobody replaces one that ends; its manifest is in configmap/holdfast-op-" + operation +
           " -n " + options_.space +
           (!folder_.empty() && std::filesystem::exists(file, nothing) ? " and in " + file : "");
}

// A set that is missing comes first, and a workload that is held down. An expansion that the storage refuses for good
// ends here: the StatefulSet was not touched, and what is left to do is the user's choice.
Result<plan::Plan> Expand::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan nothing;
    if (!record_) return nothing;
    if (recorded(input)) {
        TRY_ASSIGN(record_, record_of(input.record, options_.space));
    }
    auto gathered = gather_state(reader, *record_);
    if (!gathered.ok()) return unseen(gathered.error(), input.operation);
    ExpandState& state = *gathered;
    follow(*record_, state);
    past_return_ = refuses_abort(reader, state, input.operation);
    if (!impossible(error)) {
        plan::Plan service = plan_service(*record_, state, input.operation);
        for (const Template* set : missing_sets(*record_, state))
            service.left_down += (service.left_down.empty() ? "" : "; ") + set->text() +
                                 " was deleted and is not made anew yet: " + gone_text(input.operation);
        if (const std::string way = way_on(*record_, state, error); !way.empty()) {
            service.instead = error;
            service.instead->hint = way;
        }
        return service;
    }
    const bool down = held_down(*record_, state);
    plan::Plan unmark = plan_unmark(*record_, state, input.operation);
    unmark.instead = error;
    unmark.instead->message += down ? "; no StatefulSet was replaced, and its pods are started again"
                                    : "; no StatefulSet was touched, its pods run on";
    unmark.instead->hint = "to ask for less: kubectl pvc-expand recover " +
                           (options_.target ? options_.target->resource.short_name + "/" + options_.target->name
                                            : "-l " + shell_quote(options_.selector)) +
                           " -n " + options_.space + "; once the storage has room, the same command again goes on";
    return unmark;
}

Result<std::optional<plan::Plan>> Expand::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    if (!recorded(input)) return std::optional<plan::Plan>();
    TRY_ASSIGN(record_, record_of(input.record, options_.space));
    TRY_ASSIGN(ExpandState state, gather_state(reader, *record_));
    follow(*record_, state);
    plan::Plan plan = plan_way_out(*record_, state, input.operation);
    // An abort that was granted looks again when it is through: what kept the operation from its end may have passed.
    const bool through = plan.steps.empty() && plan.last && stage_of(*record_, state, input.operation) != Stage::kClose;
    if (!through && refuses_abort(reader, state, input.operation)) {
        const std::vector<const Template*> missing = missing_sets(*record_, state);
        return Error{
            ErrorKind::kRefused,
            input.operation + " has passed its point of no return: " +
                (missing.empty() ? "claims have grown or are growing, and volumes do not shrink"
                                 : missing.front()->text() + " was deleted to be made anew, and is not there") +
                "; nothing was changed",
            "to finish it: kubectl pvc-expand resume " + input.operation + " -n " + options_.space, 0, ""};
    }
    plan.awaited = until_up(*record_, state, input.record.contains(kHeld) || held_down(*record_, state));
    for (const plan::Step& step : plan.awaited) plan.later.push_back("when it has ended: " + step.title);
    if (plan.last && plan.steps.empty()) drop_file(input.operation);  // nothing is left that it could be needed for
    if (!plan.last)
        plan.later.push_back(
            "then its pods and fields are given to it, claim retention policies and owners of claims back, and the "
            "marks "
            "taken off the claims; no other StatefulSet is replaced");
    if (begun(*record_, state) && brings_back(state, input.operation))
        plan.notes.push_back(
            "claims that were asked to grow go on asking, and grow when no pod uses them; no template was changed. To "
            "have them grow, the same command again");
    return std::optional(std::move(plan));
}

// Once it is up and the marks are gone, nothing is left to be taken back.
bool Expand::brings_back(const ExpandState& state, const std::string& operation) const {
    return held_down(*record_, state) ||
           (!record_->stopped.empty() && record_->swapped.empty() && !marked(*record_, state, operation));
}

// Not where it cannot come to its end, or where to refuse would leave a workload down.
bool Expand::refuses_abort(kube::ClusterReader& reader, ExpandState& state, const std::string& operation) const {
    if (!begun(*record_, state) && !replacing(*record_, state)) return false;
    Stage stage = stage_of(*record_, state, operation);
    // What only leads to the replacement has no obstacle of its own; and abort has taken it back when it looks again.
    if (stage == Stage::kRelease || (stage == Stage::kSecure && record_->stopped.empty())) stage = Stage::kSwap;
    // Who may not look is not told that there is a way back.
    if (stage == Stage::kSwap && !see_takers(reader, *record_, state).ok()) state.takers.clear();
    const bool stuck = !plan_round(stage, *record_, state, operation, clock_.now()).ok();
    return !stuck && record_->untold == 0 && !brings_back(state, operation);
}

}  // namespace holdfast::expand
