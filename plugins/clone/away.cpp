// Taking a clone back: what it has made, in whichever cluster, and what is kept where something failed.
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "plugins/clone/clone.h"
#include "plugins/clone/fresh.h"
#include "plugins/clone/imports.h"
#include "plugins/clone/known.h"
#include "plugins/clone/removal.h"
#include "plugins/clone/sites.h"
#include "plugins/clone/steps.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr char kWhatIsMasked[] =
    "mend that and run the same line again; --database says which database the statements are for, --db-user as which "
    "superuser they run";

bool made_by(const Json& object, const std::string& operation) {
    return kube::label_of(object, labels::kOperation) == operation;
}

// Steps of both, those of `first` before all others.
plan::Plan one_after_the_other(plan::Plan first, plan::Plan second) {
    std::vector<std::string> done;
    for (const plan::Step& step : first.steps) done.push_back(step.id);
    for (plan::Step& step : second.steps) {
        step.after.insert(step.after.end(), done.begin(), done.end());
        first.steps.push_back(std::move(step));
    }
    first.notes.insert(first.notes.end(), second.notes.begin(), second.notes.end());
    first.asks = first.asks || second.asks;
    return first;
}

}  // namespace

std::vector<kube::ObjectRef> Clone::objects_there(const std::string& operation) const {
    std::vector<kube::ObjectRef> refs;
    const auto add = [&](const kube::Resource& resource, const std::string& space, const std::string& name) {
        refs.push_back({resource, space, name});
    };
    for (std::size_t i = 0; i < choice_->copies.size(); ++i) {
        add(kube::kPods, options_.to_space, consumer_name(operation, i));
        if (treats_) add(kube::kPods, options_.to_space, treatment_pod(operation, i));
        if (!options_.sql.empty()) add(kube::kPods, options_.to_space, copier_pod(operation, i));
    }
    if (treats_ && shielded_.value_or(false)) add(kube::kNetworkPolicies, options_.to_space, operation);
    const Choice drafts = options_.sql.empty() ? Choice() : drafts_of(seeds_of(options_, *choice_), operation);
    for (const Copy& draft : drafts.copies) add(kube::kClaims, options_.to_space, draft.spec.name);
    for (const Copy& copy : choice_->copies) add(kube::kClaims, options_.to_space, copy.spec.name);
    if (choice_->method != Method::kSnapshot) return refs;
    for (std::size_t i = 0; i < choice_->sources.size() && options_.elsewhere(); ++i) {
        add(kube::kSnapshots, options_.to_space, import_name(options_, operation, i));
        add(kube::kSnapshotContents, "", import_name(options_, operation, i));
    }
    for (const Member& seed : spread_of(options_, *choice_, *live_, {}, operation).choice.sources)
        add(kube::kSnapshots, options_.to_space, seed.facts.snapshot);
    return refs;
}

std::vector<kube::ObjectRef> Clone::objects_here() const {
    std::vector<kube::ObjectRef> refs;
    if (choice_->method != Method::kSnapshot) return refs;
    for (const Member& source : choice_->sources)
        refs.push_back({kube::kSnapshots, options_.space, source.facts.snapshot});
    return refs;
}

// By the labels of what is there, not by what would be planned now: a selector or Secret that came or went since must
// not stand in the way of taking a clone back.
Result<plan::Plan> Clone::everything_away(kube::ClusterReader& reader, const std::string& operation) const {
    std::vector<kube::ObjectRef> refs = objects_there(operation);
    const auto add = [&](const kube::ObjectRef& ref) {
        if (std::find(refs.begin(), refs.end(), ref) == refs.end()) refs.push_back(ref);
    };
    if (options_.whole()) {
        TRY_ASSIGN(const std::vector<KnownClone> known, known_clones(there(reader), options_.to_space, options_.name));
        for (const KnownClone& clone : known) {
            for (const KnownObject& one : clone.objects) add(one.ref);
        }
        for (const std::string& name : options_.copy_secrets) add({kube::kSecrets, options_.to_space, name});
    }
    const std::vector<kube::ObjectRef> here = objects_here();
    if (!options_.other) refs.insert(refs.end(), here.begin(), here.end());
    const auto ours = [&](const Json& object) { return made_by(object, operation); };
    TRY_ASSIGN(const Removal all, gather_removal(there(reader), refs, ours));
    plan::Plan plan = plan_removal(all);
    if (!options_.other) return plan;
    move_to_place(options_, plan);
    // The snapshot of the source goes last: as long as a copy of it is being made, the storage needs it.
    TRY_ASSIGN(const Removal cuts, gather_removal(reader, here, ours));
    plan = one_after_the_other(std::move(plan), plan_removal(cuts));
    TRY_ASSIGN(const auto signpost, there(reader).find(signpost_ref(options_, operation)));
    if (signpost && made_by(*signpost, operation)) take_signpost(options_, plan, operation);
    return plan;
}

Result<plan::Plan> Clone::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan plan;
    plan.last = false;
    if (!choice_) return plan;
    const bool dropped = error.reason == "DataSourceDropped", foreign = error.reason == kForeignSnapshot;
    bool unmasked = false;
    if (!options_.sql.empty()) {
        TRY_ASSIGN(const Now now, gather_now(reader, there(reader), options_, input.operation, *choice_));
        unmasked = now.any_made(input.operation) && !now.all_prepared(seeds_of(options_, *choice_), mark_of(options_));
    }
    if (dropped || foreign || unmasked) {
        TRY(know_shield(reader));  // what failed may have been that question
        TRY_ASSIGN(plan, everything_away(reader, input.operation));
        plan.last = true;
        plan.instead = error;
        plan.instead->message += "; all of the clone was removed, the source is intact";
        if (dropped) {
            plan.instead->kind = ErrorKind::kFailed;
            plan.instead->hint =
                "look for a webhook or policy that edits claims, and whether the API server serves this data source";
        } else if (!foreign && treating_ && error.kind != ErrorKind::kInterrupted) {
            plan.instead->kind = ErrorKind::kMismatch;
            plan.instead->message = "masking failed: " + plan.instead->message;
        }
        if (unmasked && plan.instead->hint.empty() && plan.instead->kind == ErrorKind::kMismatch)
            plan.instead->hint = kWhatIsMasked;
        return plan;
    }
    return throwaways_away(reader, input.operation, error);
}

// Claims that are not bound yet are gone on with by resume; throwaway pods are made again.
Result<plan::Plan> Clone::throwaways_away(kube::ClusterReader& reader, const std::string& operation,
                                          const Error& error) const {
    plan::Plan plan;
    plan.last = false;
    bool ended = false;
    for (const kube::ObjectRef& ref : objects_there(operation)) {
        if (!(ref.resource == kube::kPods)) continue;
        TRY_ASSIGN(const std::optional<Json> pod, there(reader).find(ref));
        if (!pod || !made_by(*pod, operation)) continue;
        ended = ended || kube::phase_of(*pod) == "Failed";
        plan.steps.push_back(
            in_place(options_, plan::delete_step("delete-" + ref.name, ref, kube::uid_of(*pod), "a throwaway")));
    }
    if (ended && error.kind == ErrorKind::kFailed) {  // what was made is still there
        plan.instead = error;
        plan.instead->kind = ErrorKind::kUnavailable;
    }
    return plan;
}

Result<std::optional<plan::Plan>> Clone::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    if (!has_record(input.record)) return std::optional<plan::Plan>();
    TRY(know(reader, input));
    TRY(know_shield(reader));
    TRY_ASSIGN(plan::Plan plan, everything_away(reader, input.operation));
    return std::optional(std::move(plan));
}

}  // namespace holdfast::clone
