#include "plugins/pvc-expand/expand.h"

#include "common/core/hash.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/os/files.h"
#include "plugins/pvc-expand/guards.h"
#include "plugins/pvc-expand/report.h"
#include "plugins/pvc-expand/rounds.h"
#include "plugins/pvc-expand/targets.h"
#include "plugins/pvc-expand/traces.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace holdfast::expand {
namespace {

// What plan() and recover() see of an operation before its first journal, after which the record speaks.
bool recorded(const plan::Input& input) { return kube::find_at(input.record, "/claims") != nullptr; }

// The driver said that this size cannot be, for this claim.
bool impossible(const Error& error) {
    return error.kind == ErrorKind::kUnavailable &&
           error.message.find("the storage cannot make it") != std::string::npos;
}

// What is decided from the cluster as it is now, and not from what it was when the operation began.
void follow(ExpandRecord& record, const ExpandState& state) {
    follow_uids(record, state);
    add_newcomers(record, state);
    follow_mounts(record, state);
    follow_lent(record, state);
}

}  // namespace

std::string Expand::target() const {
    return options_.target ? options_.target->name : "selected-" + short_hash(options_.selector);
}

Result<std::vector<kube::ObjectRef>> Expand::lock_targets(kube::ClusterReader& reader) {
    return locked_by(reader, options_);
}

Result<plan::Plan> Expand::plan(kube::ClusterReader& reader, const plan::Input& input) {
    if (!recorded(input)) return first_plan(reader, input);
    TRY_ASSIGN(record_, record_of(input.record, options_.space));
    if (record_->untold > 0)
        return Error{
            ErrorKind::kRefused,
            "the journal of " + input.operation + " was lost, and " + std::to_string(record_->untold) +
                " of its workloads are not told of by any claim; no other StatefulSet is replaced",
            "kubectl pvc-expand abort " + input.operation + " -n " + options_.space + ", then begin again with --size",
            0, ""};
    return options_.restart == record_->restart ? round(reader, input) : otherwise(reader, input);
}

// Begun with another --restart, which cannot bring it to its end: from now on it is this one.
Result<plan::Plan> Expand::otherwise(kube::ClusterReader& reader, const plan::Input& input) {
    record_->restart = options_.restart;
    for (const auto& [key, value] : input.line.items()) record_->line[key] = value;
    std::vector<std::string> notes;
    if (options_.restart != Restart::kNever) {
        TRY_ASSIGN(const ExpandFacts facts, gather_expand(reader, options_));
        TRY(check_restarts(facts, *record_));
        if (options_.restart == Restart::kOffline && record_->stopped.empty())
            TRY(choose_stopped(options_, facts, *record_, notes));
    }
    TRY_ASSIGN(plan::Plan plan, round(reader, input));
    const Json record = record_json(*record_);
    for (const char* key : {"restart", "stopped", "line"}) {
        if (record.contains(key)) plan.latest[key] = record[key];
    }
    plan.asks = plan.asks_anew = options_.restart != Restart::kNever;
    plan.notes.insert(plan.notes.begin(), notes.begin(), notes.end());
    plan.later = rounds_in_words(*record_);
    plan.later_needs = later_needs(*record_);
    return plan;
}

Result<plan::Plan> Expand::first_plan(kube::ClusterReader& reader, const plan::Input& input) {
    TRY(check_absolute(options_));
    TRY_ASSIGN(ExpandFacts facts, gather_expand(reader, options_));
    if (options_.until_usage) {
        TRY_ASSIGN(facts.used, measure_(facts));
    }
    TRY_ASSIGN(Choice choice, choose_expand(options_, facts, input.now));
    record_ = std::move(choice.record);
    record_->line = input.line;
    record_->line["kind"] = kind();
    record_->line["target"] = target();
    nothing_to_do_ = record_->claims.empty() && record_->sets.empty();
    if (nothing_to_do_) {
        plan::Plan plan;
        plan.notes = std::move(choice.notes);
        return plan;
    }
    TRY_ASSIGN(plan::Plan plan, round(reader, input));
    Json record = record_json(*record_);
    plan.record = std::move(record);
    plan.asks = true;
    plan.notes.insert(plan.notes.begin(), choice.notes.begin(), choice.notes.end());
    plan.later = rounds_in_words(*record_);
    plan.later_needs = later_needs(*record_);
    TRY_ASSIGN(const ExpandState state, gather_state(reader, *record_));
    plan.rehearsal = rehearsal_of(*record_, state, input.operation);
    return plan;
}

Result<plan::Plan> Expand::round(kube::ClusterReader& reader, const plan::Input& input) {
    record_->patience = options_.patience;
    TRY_ASSIGN(const ExpandState state, gather_state(reader, *record_));
    follow(*record_, state);
    std::vector<std::string> waited;
    for (const plan::Phase& phase : input.progress.phases) waited.push_back(phase.name);
    const Stage stage = stage_of(*record_, state, input.operation, waited);
    if (stage == Stage::kStop && input.round > 0 && woken(*record_, state))
        return Error{ErrorKind::kConflict,
                     options_.target_text() + " was scaled up by somebody else while its volumes were to grow",
                     "see who does that (an autoscaler, GitOps), then go on", 0, ""};
    TRY_ASSIGN(plan::Plan plan, plan_round(stage, *record_, state, input.operation, clock_.now()));
    if (stage == Stage::kSwap) keep_file(input.operation, plan);
    return plan;
}

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
    const auto gathered = gather_state(reader, *record_);
    if (!gathered.ok()) return unseen(gathered.error(), input.operation);
    const ExpandState& state = *gathered;
    follow(*record_, state);
    past_return_ = refuses_abort(state, input.operation);
    if (!impossible(error)) {
        plan::Plan service = plan_service(*record_, state, input.operation);
        for (const Template* set : missing_sets(*record_, state))
            service.left_down += (service.left_down.empty() ? "" : "; ") + set->text() +
                                 " was deleted and is not made anew yet: " + gone_text(input.operation);
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
    TRY_ASSIGN(const ExpandState state, gather_state(reader, *record_));
    follow(*record_, state);
    plan::Plan plan = plan_way_out(*record_, state, input.operation);
    // An abort that was granted looks again when it is through: what kept the operation from its end may have passed.
    const bool through = plan.steps.empty() && plan.last && stage_of(*record_, state, input.operation) != Stage::kClose;
    if (!through && refuses_abort(state, input.operation)) {
        const std::vector<const Template*> missing = missing_sets(*record_, state);
        return Error{
            ErrorKind::kRefused,
            input.operation + " has passed its point of no return: " +
                (missing.empty() ? "claims have grown or are growing, and volumes do not shrink"
                                 : missing.front()->text() + " was deleted to be made anew, and is not there") +
                "; nothing was changed",
            "to finish it: kubectl pvc-expand resume " + input.operation + " -n " + options_.space, 0, ""};
    }
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
bool Expand::refuses_abort(const ExpandState& state, const std::string& operation) const {
    if (!begun(*record_, state) && !replacing(*record_, state)) return false;
    Stage stage = stage_of(*record_, state, operation);
    // What only leads to the replacement has no obstacle of its own; and abort has taken it back when it looks again.
    if (stage == Stage::kRelease || (stage == Stage::kSecure && record_->stopped.empty())) stage = Stage::kSwap;
    const bool stuck = !plan_round(stage, *record_, state, operation, clock_.now()).ok();
    return !stuck && record_->untold == 0 && !brings_back(state, operation);
}

Result<std::vector<plan::Journal>> Expand::rebuild(kube::ClusterReader& reader) {
    return unfinished_expansions(reader, options_.space);
}

Result<plan::Report> Expand::report(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const ExpandState state, gather_state(reader, *record_));
    std::vector<Json> revisions;
    if (!record_->sets.empty()) {
        TRY_ASSIGN(kube::List all, reader.list(kube::kControllerRevisions, options_.space));
        revisions = std::move(all.items);
    }
    TRY_ASSIGN(plan::Report report,
               proven_report(options_, *record_, state, revisions, nothing_to_do_ ? "" : input.operation));
    drop_file(input.operation);
    return report;
}

// Besides the journal, which lies in the cluster (safety R6): whatever happens there, the manifest is here. A second
// copy: where there is no folder for it, there is none.
void Expand::keep_file(const std::string& operation, const plan::Plan& plan) const {
    if (folder_.empty() || !plan.latest.is_object() || !make_private_folder(folder_).ok()) return;
    const Status written = write_file_atomic(folder_ + "/" + operation + ".json", plan.latest.dump(2) + "\n");
    if (!written.ok()) remove_file(folder_ + "/" + operation + ".json");
}

void Expand::drop_file(const std::string& operation) const {
    if (!folder_.empty()) remove_file(folder_ + "/" + operation + ".json");
}

}  // namespace holdfast::expand
