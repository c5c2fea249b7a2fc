#include "plugins/clone/clone.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/make_step.h"
#include "plugins/clone/fresh.h"
#include "plugins/clone/guards.h"
#include "plugins/clone/imports.h"
#include "plugins/clone/pod_security.h"
#include "plugins/clone/removal.h"
#include "plugins/clone/sites.h"
#include "plugins/clone/steps.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

bool all_ready(const Choice& choice) {
    return std::all_of(choice.sources.begin(), choice.sources.end(), [](const Member& source) {
        return source.snapshot && source.snapshot->ready && !source.snapshot->deleting && source.content;
    });
}

// A claim that binds to a free volume holds what is on that, whatever it was to be made from.
// Looked at before anything is made, and again just before the claims are: those that are there are bound by now, or to
// be looked at by their volumes.
Status check_free_volumes(kube::ClusterReader& reader, const Choice& choice, const Now* now) {
    TRY_ASSIGN(const std::vector<kube::Volume> free, gather_free_volumes(reader));
    for (const Copy& copy : choice.copies) {
        if (now == nullptr || !now->claims.contains(copy.spec.name)) TRY(check_rivals(free, copy.spec));
    }
    return {};
}

// No statement reaches what is on a raw device, and no file of it can be copied.
Status check_maskable(const CloneOptions& options, const ClaimSpec& spec) {
    if (options.sql.empty() || spec.volume_mode != "Block") return {};
    return refused("pvc/" + spec.space + "/" + spec.name + " would be a raw block volume, which --sql cannot mask",
                   "clone without it: kubectl clone pvc/SRC DST --sql FILE, of the claim that has the database");
}

}  // namespace

// What is decided once: of the source as it was at the start, which a resume reads from the journal.
Status Clone::know(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(live_, gather_origin(reader, options_, input.record, input.operation));
    TRY_ASSIGN(classes_, gather_classes(there(reader)));
    TRY_ASSIGN(choice_, choose(options_, *live_, classes_, input.operation));
    if (options_.other) {
        TRY(gather_classes_there(there(reader), options_, has_more_than_seeds(options_, *choice_), *choice_));
    }
    if (input.round == 0 && !has_record(input.record)) TRY(check_free_volumes(there(reader), *choice_, nullptr));
    treats_ = !options_.sql.empty() || recorded_treats(input.record);
    return {};
}

// Whether throwaway databases can be shut off from the network.
Status Clone::know_shield(kube::ClusterReader& reader) {
    if (!treats_ || shielded_) return {};
    std::vector<kube::AccessCheck> checks;
    for (const char* verb : {"create", "get", "list", "watch", "delete"})
        checks.push_back({verb, kube::kNetworkPolicies, options_.to_space, "", ""});
    TRY_ASSIGN(const std::vector<bool> allowed, there(reader).allowed(checks));
    shielded_ = std::all_of(allowed.begin(), allowed.end(), [](bool one) { return one; });
    return {};
}

Status Clone::know_workload(kube::ClusterReader& reader, const plan::Input& input) {
    if (!options_.whole()) return {};
    TRY_ASSIGN(const Surroundings around,
               gather_surroundings(reader, there(reader), options_, live_->workloads.front(), input.operation));
    TRY_ASSIGN(workload_, workload_of(options_, *live_, *choice_, around, input));
    pods_there_.clear();
    for (const Json& one : around.there) {
        if (kube::text_at(one, "/kind") == kube::kPods.kind) pods_there_.push_back(one);
    }
    const bool makes_claims = plan::ref_of_manifest(workload_.manifest).resource == kube::kStatefulSets;
    for (Copy& copy : choice_->copies) {
        if (makes_claims) copy.labels = kube::match_labels_of(workload_.manifest);
    }
    return {};
}

// Nobody sends anything to a throwaway database (safety R25), whatever else it does.
Status Clone::check_unseen(kube::ClusterReader& reader, const std::string& operation) const {
    TRY_ASSIGN(const kube::List services, reader.list(kube::kServices, options_.to_space));
    std::vector<kube::NamedSelector> selectors;
    for (const Json& service : services.items) {
        for (kube::NamedSelector& one : kube::selectors_of(service)) selectors.push_back(std::move(one));
    }
    return check_unselected(throwaway_labels(operation, kTreatmentRole), selectors);
}

Status Clone::check_unawaited(kube::ClusterReader& reader, const Now& now, const plan::Input& input) {
    const bool prepared = treats_ && now.all_prepared(seeds_of(options_, *choice_), mark_of(options_));
    if (treats_ && !options_.whole()) {
        TRY_ASSIGN(kube::List pods, there(reader).list(kube::kPods, options_.to_space));
        pods_there_ = std::move(pods.items);
    }
    return check_unopened(options_, *choice_, pods_there_, treats_ && !prepared, input.operation,
                          input.round > 0 || input.resuming);
}

Result<plan::Plan> Clone::plan(kube::ClusterReader& reader, const plan::Input& input) {
    if (input.round == 0) TRY(check_statements(options_, input.record, input.resuming ? input.operation : ""));
    if (input.round == 0 && !input.resuming && options_.other) TRY(check_another(reader, there(reader), options_));
    if (input.round == 0) TRY(know(reader, input));
    TRY_ASSIGN(const Now now, gather_now(reader, there(reader), options_, input.operation, *choice_));
    if (input.round == 0) TRY(check_place(options_, *choice_, now, input.operation));
    const bool begun = input.round > 0 || input.resuming;
    // What would select the one's pods would select the other's: both carry the clone's name. Claims alone nothing
    // selects, and delete tells them apart.
    if (options_.whole() || !begun) {
        TRY_ASSIGN(const auto namesake, gather_namesake(there(reader), options_, input.operation));
        TRY(check_namesake(options_, namesake, begun ? input.operation : ""));
    }
    TRY(know_workload(reader, input));
    if (input.round == 0) {
        if (!input.resuming || !has_record(input.record)) TRY(check_ties(reader));
        TRY(know_shield(reader));
        if (treats_) TRY(check_unseen(there(reader), input.operation));
        if (treats_ && !input.resuming) TRY(check_treatable(now, input.operation));
    }
    TRY(check_unawaited(reader, now, input));
    TRY_ASSIGN(plan::Plan plan, next(reader, input, now));
    if (input.round == 0) {
        plan.record = record_of(*live_, *choice_, treats_);
        record_statements(options_, plan.record);
        plan.later_needs.push_back({"get", kube::kConfigMaps, options_.space, "", ""});  // a resume reads the journal
        foretell(plan);
    }
    return plan;
}

Result<plan::Plan> Clone::next(kube::ClusterReader& reader, const plan::Input& input, const Now& now) {
    TRY_ASSIGN(plan::Plan plan, stage(reader, input, now));
    if (options_.other && input.round == 0) need_signpost(options_, plan);
    if (options_.other && plan.last) take_signpost(options_, plan, input.operation);
    return plan;
}

// Which round comes next is seen from what is there, not from how many there were: a resume begins wherever that is.
Result<plan::Plan> Clone::stage(kube::ClusterReader& reader, const plan::Input& input, const Now& now) {
    Choice seeds = seeds_of(options_, *choice_);
    const bool prepared = !treats_ || now.all_prepared(seeds, mark_of(options_));
    // What an interrupted masking has left is neither masked nor as it was: away with it, and from the start.
    if (input.round == 0 && !options_.sql.empty() && !prepared && now.any_made(input.operation)) {
        TRY_ASSIGN(plan::Plan plan, everything_away(reader, input.operation));
        plan.last = plan.asks = false;
        return plan;
    }
    if (input.round == 0) TRY(check_one_moment(options_, seeds, now, input.operation));
    TRY(check_copied(options_, *choice_, now, input.operation));
    TRY_ASSIGN(std::optional<plan::Plan> seeding, options_.sql.empty()
                                                      ? seed(reader, input, now, seeds, prepared)
                                                      : seed_masked(reader, input, now, seeds, prepared));
    if (seeding) return std::move(*seeding);
    if (has_more_than_seeds(options_, *choice_)) {
        TRY_ASSIGN(std::optional<plan::Plan> plan, spread(reader, input, now));
        if (plan) return std::move(*plan);
    }
    if (options_.whole()) return plan_workload(options_, *live_, *choice_, workload_, input);
    return plan_make(options_, *live_, *choice_, input, true);
}

Result<std::optional<plan::Plan>> Clone::seed(kube::ClusterReader& reader, const plan::Input& input, const Now& now,
                                              Choice& seeds, bool prepared) {
    std::optional<plan::Plan> plan;
    if (!now.all_bound(seeds, input.operation)) {
        TRY(check_free_volumes(there(reader), seeds, &now));
        TRY_ASSIGN(plan, copy(reader, input, seeds));
    } else {
        TRY(check_driver_cloned(reader, seeds, input.operation));
        if (!prepared) {
            TRY_ASSIGN(plan, treat(input, now, seeds, mark_of(options_)));
        }
    }
    return plan;
}

// Masked as drafts, then put onto fresh volumes; then the drafts go.
Result<std::optional<plan::Plan>> Clone::seed_masked(kube::ClusterReader& reader, const plan::Input& input,
                                                     const Now& now, const Choice& seeds, bool prepared) {
    Choice drafts = drafts_of(seeds, input.operation);
    if (prepared) return drop(reader, input.operation, drafts);
    std::optional<plan::Plan> plan;
    TRY(check_copied(options_, drafts, now, input.operation));
    if (!now.all_bound(drafts, input.operation)) {
        TRY(check_free_volumes(there(reader), drafts, &now));
        TRY_ASSIGN(plan, copy(reader, input, drafts));
    } else if (!now.all_prepared(drafts, draft_mark_of(options_))) {
        TRY(check_driver_cloned(reader, drafts, input.operation));
        TRY_ASSIGN(plan, treat(input, now, drafts, draft_mark_of(options_)));
    } else {
        TRY(check_free_volumes(there(reader), seeds, &now));
        TRY_ASSIGN(plan, freshen(input, now, seeds, drafts));
    }
    return plan;
}

// The claims of `choice`: snapshots first, where they are made of snapshots. In another cluster a round of its own
// makes these known, and before anything is made of them it is seen that they are the same there.
Result<plan::Plan> Clone::copy(kube::ClusterReader& reader, const plan::Input& input, Choice& choice) {
    if (choice.method == Method::kSnapshot && !all_ready(choice)) return plan_cut(options_, choice, input.operation);
    TRY(check_cut(options_, *live_, choice));
    TRY(choose_again(options_, classes_, choice));
    if (options_.other) {
        TRY_ASSIGN(const std::vector<Imported> imports,
                   gather_imports(there(reader), options_, choice, input.operation));
        TRY(check_imported(options_, choice, imports));
        if (!all_imported(imports)) return plan_import(options_, *live_, choice, input);
    }
    TRY_ASSIGN(plan::Plan plan, plan_make(options_, *live_, choice, input, false));
    plan.last = !options_.whole() && !treats_;
    return plan;
}

Result<Treatment> Clone::treatment(const Choice& seeds, const std::string& operation) const {
    std::vector<const Copy*> copies;
    for (const Copy& one : seeds.copies) copies.push_back(&one);
    TRY_ASSIGN(Treatment wanted,
               treatment_of(options_, recorded_source(options_, *live_, seeds), copies, seeds, operation));
    if (shielded_.value_or(false)) wanted.policy = operation;
    return wanted;
}

// What would keep the throwaway databases from being started is told of before anything is made.
Status Clone::check_treatable(const Now& now, const std::string& operation) const {
    const Choice seeds = seeds_of(options_, *choice_);
    if (options_.image.empty() && recorded_source(options_, *live_, seeds).record->containers.empty())
        return refused(options_.source.text() + ": no pod uses it that would tell with which image its data is opened",
                       "name one with --image, of the same major version as the data");
    TRY_ASSIGN(const Treatment wanted, treatment(seeds, operation));
    for (const Instance& one : wanted.instances) {
        const Json pod = throwaway_pod_manifest(one, wanted.engine, wanted.source, options_.to_space, kTreatmentRole);
        TRY(check_throwaway_security(now.level, options_.to_space, pod["spec"]));
        for (const ThrowawayClaim& claim : one.claims) TRY(check_maskable(options_, claim.spec));
    }
    return {};
}

Result<plan::Plan> Clone::treat(const plan::Input& input, const Now& now, const Choice& copies,
                                const std::string& mark) {
    TRY_ASSIGN(const Treatment wanted, treatment(copies, input.operation));
    plan::Plan plan;
    if (!was_asked(wanted, input.progress.outputs)) {
        plan = plan_ask(options_, wanted);
    } else {
        treating_ = true;
        TRY_ASSIGN(plan, plan_treat(options_, wanted, mark, now, input.progress.outputs));
    }
    move_to_place(options_, plan);
    return plan;
}

Result<plan::Plan> Clone::freshen(const plan::Input& input, const Now& now, const Choice& seeds, const Choice& drafts) {
    treating_ = false;  // the statements have run: what fails from here on says nothing of the data
    TRY_ASSIGN(const Treatment treated, treatment(drafts, input.operation));
    plan::Plan plan;
    if (now.all_bound(seeds, input.operation)) {
        plan = plan_fill(options_, seeds, treated, now, input.operation);
    } else {
        TRY_ASSIGN(plan, plan_fresh(options_, seeds, treated, now, input));
    }
    move_to_place(options_, plan);
    return plan;
}

Result<std::optional<plan::Plan>> Clone::drop(kube::ClusterReader& reader, const std::string& operation,
                                              const Choice& drafts) const {
    std::vector<kube::ObjectRef> refs;
    for (const Copy& one : drafts.copies) refs.push_back({kube::kClaims, options_.to_space, one.spec.name});
    TRY_ASSIGN(const Removal left, gather_removal(there(reader), refs, [&](const Json& object) {
                   return kube::label_of(object, labels::kOperation) == operation;
               }));
    plan::Plan plan = plan_removal(left);
    if (plan.steps.empty()) return std::optional<plan::Plan>();
    plan.last = plan.asks = false;
    move_to_place(options_, plan);
    return std::optional(std::move(plan));
}

// nullopt: the other ordinals have their claims, and what these were made of is gone.
Result<std::optional<plan::Plan>> Clone::spread(kube::ClusterReader& reader, const plan::Input& input, const Now& now) {
    Spread others = spread_of(options_, *choice_, *live_, now, input.operation);
    TRY(gather_snapshots(there(reader), others.options.space, input.operation, others.choice));
    const bool bound = now.all_bound(*choice_, input.operation);
    const bool gone = std::none_of(others.choice.sources.begin(), others.choice.sources.end(),
                                   [](const Member& seed) { return seed.snapshot.has_value(); });
    if (bound && gone) return std::optional<plan::Plan>();
    plan::Plan plan;
    if (!bound && others.choice.method == Method::kSnapshot && !all_ready(others.choice)) {
        plan = plan_cut(others.options, others.choice, input.operation);
    } else {
        if (!bound) TRY(check_cut(others.options, others.live, others.choice));
        if (!bound) TRY(check_free_volumes(there(reader), others.choice, &now));
        TRY_ASSIGN(plan, plan_make(others.options, others.live, others.choice, input, bound));
        plan.last = !options_.whole();
    }
    move_to_place(options_, plan);
    return std::optional(std::move(plan));
}

void Clone::foretell(plan::Plan& plan) const {
    if (!unlooked_.empty())
        plan.notes.push_back("whether it is software that would join its source was not seen on its volumes: " +
                             unlooked_);
    if (!unspelled_.empty())
        plan.notes.push_back("variables that tie it to its source were not looked for in " +
                             join({unspelled_.begin(), unspelled_.end()}, ", "));
    for (const std::string& place : mentions_)
        plan.notes.push_back(place + ", which means the source: the clone may connect to it (--env, --set)");
    if (treats_) foretell_treatment(options_, seeds_of(options_, *choice_), shielded_.value_or(false), plan);
    if (has_more_than_seeds(options_, *choice_)) {
        plan.later.push_back("make the claims of the other ordinals from the masked one's");
        for (const char* verb : {"get", "list", "watch", "create", "delete"})
            plan.later_needs.push_back({verb, kube::kSnapshots, options_.to_space, "", "", site_of(options_)});
    }
    if (options_.whole()) foretell_workload(options_, *choice_, workload_, plan);
}

}  // namespace holdfast::clone
