#include "plugins/pvc-expand/expand.h"

#include "common/core/hash.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/os/files.h"
#include "plugins/pvc-expand/report.h"
#include "plugins/pvc-expand/rounds.h"
#include "plugins/pvc-expand/targets.h"
#include "plugins/pvc-expand/traces.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// What plan() and recover() see of an operation before its first journal, after which the record speaks.
bool recorded(const plan::Input& input) { return kube::find_at(input.record, "/claims") != nullptr; }

// The driver said that this size cannot be, for this claim.
bool impossible(const Error& error) {
    return error.kind == ErrorKind::kUnavailable &&
           error.message.find("the storage cannot make it") != std::string::npos;
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
                " of its workloads are not told of by any claim; no StatefulSet was touched",
            "kubectl pvc-expand abort " + input.operation + " -n " + options_.space + ", then begin again with --size",
            0, ""};
    return round(reader, input);
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
    add_newcomers(*record_, state);
    std::vector<std::string> waited;
    for (const plan::Phase& phase : input.progress.phases) waited.push_back(phase.name);
    const Stage stage = stage_of(*record_, state, input.operation, waited);
    TRY_ASSIGN(plan::Plan plan, plan_round(stage, *record_, state, input.operation, clock_.now()));
    if (stage == Stage::kSwap) keep_file(input.operation, plan);
    return plan;
}

// A set that is missing comes first. An expansion that the storage refuses for good ends here: the StatefulSet was not
// touched, and what is left to do is the user's choice.
Result<plan::Plan> Expand::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan nothing;
    if (!record_) return nothing;
    if (recorded(input)) {
        TRY_ASSIGN(record_, record_of(input.record, options_.space));
    }
    TRY_ASSIGN(const ExpandState state, gather_state(reader, *record_));
    plan::Plan service = plan_service(*record_, state, input.operation);
    if (!service.steps.empty()) return service;
    if (!impossible(error)) return nothing;
    plan::Plan unmark = plan_unmark(*record_, state, input.operation);
    unmark.instead = error;
    unmark.instead->message += "; no StatefulSet was touched, its pods run on";
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
    const Stage stage = stage_of(*record_, state, input.operation);
    const bool stuck = !plan_round(stage, *record_, state, input.operation, clock_.now()).ok();
    if (begun(*record_, state) && !stuck && record_->untold == 0)
        return Error{ErrorKind::kRefused,
                     input.operation +
                         " has passed its point of no return: claims have grown or are growing, and volumes "
                         "do not shrink; nothing was changed",
                     "to finish it: kubectl pvc-expand resume " + input.operation + " -n " + options_.space, 0, ""};
    return std::optional(plan_unmark(*record_, state, input.operation));
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
