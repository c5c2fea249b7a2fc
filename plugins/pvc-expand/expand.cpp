#include "plugins/pvc-expand/expand.h"

#include "common/core/hash.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/os/files.h"
#include "plugins/pvc-expand/guards.h"
#include "plugins/pvc-expand/less.h"
#include "plugins/pvc-expand/report.h"
#include "plugins/pvc-expand/rounds.h"
#include "plugins/pvc-expand/targets.h"
#include "plugins/pvc-expand/traces.h"

namespace holdfast::expand {

bool Expand::recorded(const plan::Input& input) { return kube::find_at(input.record, "/claims") != nullptr; }

std::string Expand::target() const {
    return options_.target ? options_.target->name : "selected-" + short_hash(options_.selector);
}

Result<std::vector<kube::ObjectRef>> Expand::lock_targets(kube::ClusterReader& reader) {
    return locked_by(reader, options_);
}

std::optional<std::string> Expand::only_less(const plan::Plan& shown, const plan::Plan&) const {
    const auto before = record_of(shown.record, options_.space);
    if (!before.ok() || !record_) return std::nullopt;
    const std::vector<std::string> grown = grown_meanwhile(*before, *record_, claims_);
    if (grown.empty()) return std::nullopt;
    return "since the plan was shown somebody else has asked " + join(grown, ", ") +
           " to grow as far as is wanted: not asked again";
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
    plan.asks = plan.asks_anew = plan.asks_anew || options_.restart != Restart::kNever;
    plan.notes.insert(plan.notes.begin(), notes.begin(), notes.end());
    plan.later = rounds_in_words(*record_);
    plan.later_needs = later_needs(*record_);
    return plan;
}

Result<plan::Plan> Expand::first_plan(kube::ClusterReader& reader, const plan::Input& input) {
    TRY(check_absolute(options_));
    TRY_ASSIGN(ExpandFacts facts, gather_expand(reader, options_));
    if (!facts.sets.empty()) {
        TRY_ASSIGN(facts.takers, gather_takers(reader, options_.space));
    }
    if (options_.until_usage) {
        TRY_ASSIGN(facts.used, measure_(facts));
    }
    TRY_ASSIGN(Choice choice, choose_expand(options_, facts, input.now));
    record_ = std::move(choice.record);
    record_->line = input.line;
    record_->line["kind"] = kind();
    record_->line["target"] = target();
    TRY(check_traces(facts, *record_, input.operation));
    TRY(check_unfinished(facts, *record_, input.operation));
    claims_ = std::move(facts.claims);
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
    TRY_ASSIGN(ExpandState state, gather_state(reader, *record_));
    follow(*record_, state);
    std::vector<std::string> waited;
    for (const plan::Phase& phase : input.progress.phases) waited.push_back(phase.name);
    const Stage stage = stage_of(*record_, state, input.operation, waited);
    if (stage == Stage::kStop && input.round > 0 && woken(*record_, state))
        return Error{ErrorKind::kConflict,
                     options_.target_text() + " was scaled up by somebody else while its volumes were to grow",
                     "see who does that (an autoscaler, GitOps), then go on", 0, ""};
    if (stage == Stage::kSwap) TRY(see_takers(reader, *record_, state));
    TRY_ASSIGN(plan::Plan plan, plan_round(stage, *record_, state, input.operation, certain_now(state)));
    ask_for_told(plan, state);
    if (stage == Stage::kSwap) keep_file(input.operation, plan);
    return plan;
}

// A StatefulSet of which only a claim tells is not made without a yes.
void Expand::ask_for_told(plan::Plan& plan, const ExpandState& state) const {
    for (const Template* set : missing_sets(*record_, state)) {
        const auto told = record_->told_by.find(set->ref.name);
        if (told == record_->told_by.end()) continue;
        plan.asks = plan.asks_anew = true;
        plan.notes.push_back("the journal was lost: " + set->text() + " is made anew from an annotation of pvc/" +
                             record_->space + "/" + told->second +
                             "; it has left its pods, and no ControllerRevision that says otherwise");
    }
}

// How old a set is, the server's clock says. Ours counts only if it agrees with that: if something was written since we
// began to look, as we do it ourselves before a set is replaced. Else it may be ahead, and then it is as late as the
// newest write at the least.
SystemTime Expand::certain_now(const ExpandState& state) {
    constexpr std::chrono::seconds kApart{2};
    const SystemTime now = clock_.now();
    if (!first_look_) first_look_ = now;
    const auto written = newest_write(state);
    return !written || *written >= *first_look_ - kApart ? now : *written;
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
