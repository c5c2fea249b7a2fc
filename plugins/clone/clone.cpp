#include "plugins/clone/clone.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/make_step.h"
#include "plugins/clone/guards.h"
#include "plugins/clone/known.h"
#include "plugins/clone/removal.h"
#include "plugins/clone/steps.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr std::chrono::milliseconds kPatience{30000};  // to ask a database what ties it to others

bool made_by(const Json& object, const std::string& operation) {
    return kube::label_of(object, labels::kOperation) == operation;
}

bool all_ready(const Choice& choice) {
    return std::all_of(choice.sources.begin(), choice.sources.end(), [](const Member& source) {
        return source.snapshot && source.snapshot->ready && !source.snapshot->deleting && source.content;
    });
}

// Pods of the workload that mount what is to be copied.
std::vector<const Json*> running_pods(const LiveFacts& live) {
    std::vector<const Json*> pods;
    for (const Json& pod : live.pods) {
        if (kube::phase_of(pod) == "Running" && !kube::deleting(pod)) pods.push_back(&pod);
    }
    return pods;
}

std::optional<Ties> ask(plan::PodRunner& runner, const std::string& space, const Json& pod,
                        const std::string& container) {
    plan::Exec exec;
    exec.space = space;
    exec.pod = kube::name_of(pod);
    exec.pod_uid = kube::uid_of(pod);
    exec.container = container;
    exec.argv = {"sh", "-c", ties_script()};
    const auto answer = runner.run(exec, kPatience);
    return answer.ok() ? parse_ties(*answer) : std::nullopt;
}

// Of what a command in a pod needs, the first that is not allowed; "" : all is. kubectl reads the pod before it
// connects.
Result<std::string> missing_to_ask(kube::ClusterReader& reader, const std::string& space) {
    TRY_ASSIGN(const std::vector<bool> allowed,
               reader.allowed({{"get", kube::kPods, space, "", ""}, {"create", kube::kPods, space, "exec", ""}}));
    if (allowed.empty() || !allowed[0]) return std::string("get pods");
    return std::string(allowed.size() < 2 || !allowed[1] ? "create pods/exec" : "");
}

// Software whose image says nothing, by the files that it keeps: looked for in one of its pods.
Result<Recognised> look_at_files(plan::PodRunner& runner, const std::string& space, const Json& pod) {
    const Mounted mounted = mounts_of_claims(kube::pod_spec_of_workload(pod));
    if (mounted.container.empty()) return Recognised{};
    plan::Exec exec;
    exec.space = space;
    exec.pod = kube::name_of(pod);
    exec.pod_uid = kube::uid_of(pod);
    exec.container = mounted.container;
    exec.argv = {"sh", "-c", files_script(mounted.folders)};
    TRY_ASSIGN(const std::string printed, runner.run(exec, kPatience));
    return Recognised{recognise_files(split(printed, '\n')), mounted.container, "files on its volumes"};
}

// A claim that binds to a free volume holds what is on that, whatever it was to be made from.
Status check_free_volumes(kube::ClusterReader& reader, const Choice& choice) {
    TRY_ASSIGN(const std::vector<kube::Volume> free, gather_free_volumes(reader));
    for (const Copy& copy : choice.copies) TRY(check_rivals(free, copy.spec));
    return {};
}

}  // namespace

// What is decided once: of the source as it was at the start, which a resume reads from the journal.
Status Clone::know(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(live_, gather_origin(reader, options_, input.record, input.operation));
    TRY_ASSIGN(classes_, gather_classes(reader));
    TRY_ASSIGN(choice_, choose(options_, *live_, classes_, input.operation));
    if (input.round == 0 && !has_record(input.record)) TRY(check_free_volumes(reader, *choice_));
    treats_ = !options_.sql.empty();
    if (!options_.whole() || !options_.isolated) return {};
    const Software software = recognise(kube::pod_spec_of_workload(live_->workloads.front())).software;
    treats_ = treats_ || software == Software::kPostgres || software == Software::kPatroni;
    return {};
}

Status Clone::know_workload(kube::ClusterReader& reader, const plan::Input& input) {
    if (!options_.whole()) return {};
    TRY_ASSIGN(const Surroundings around, gather_surroundings(reader, options_, live_->workloads.front()));
    TRY_ASSIGN(workload_, workload_of(options_, *live_, *choice_, around, input));
    return {};
}

// Before anything is made: whether the clone would join what it is a copy of (safety R26).
Status Clone::check_ties(kube::ClusterReader& reader) {
    if (!options_.whole()) return {};
    const Json source = kube::pod_spec_of_workload(live_->workloads.front());
    Joining joining;
    joining.recognised = recognise(source);
    if (joining.recognised.software == Software::kNone) {
        TRY_ASSIGN(joining.recognised, by_files(reader));
    }
    if (joining.recognised.software == Software::kPostgres && !options_.isolated) {
        TRY(check_may_ask(reader));
        for (const Json* pod : running_pods(*live_))
            joining.ties[kube::name_of(*pod)] =
                pods_ == nullptr ? std::nullopt : ask(*pods_, options_.space, *pod, joining.recognised.container);
    }
    return check_joining(options_, joining, source, kube::pod_spec_of_workload(workload_.manifest));
}

Status Clone::check_may_ask(kube::ClusterReader& reader) const {
    TRY_ASSIGN(const std::string missing, missing_to_ask(reader, options_.space));
    if (missing.empty()) return {};
    return Error{ErrorKind::kForbidden,
                 "not allowed to " + missing + " in namespace " + options_.space + ", by which " +
                     options_.source.text() + " is asked whether it archives or replicates; nothing was changed",
                 "have it granted (`kubectl clone rbac create`), or --isolated, which takes that out of the clone"};
}

// Where nobody can look, the plan says so: an image that names no database is most often none.
Result<Recognised> Clone::by_files(kube::ClusterReader& reader) {
    const std::vector<const Json*> pods = running_pods(*live_);
    TRY_ASSIGN(const std::string missing, missing_to_ask(reader, options_.space));
    if (pods.empty())
        unlooked_ = "no pod of it runs";
    else if (pods_ == nullptr || !missing.empty())
        unlooked_ = "commands in its pods are not allowed";
    if (!unlooked_.empty()) return Recognised{};
    auto found = look_at_files(*pods_, options_.space, *pods.front());
    if (found.ok()) return found;
    unlooked_ = "pod/" + kube::name_of(*pods.front()) + " has no shell, or did not answer";
    return Recognised{};
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

Result<plan::Plan> Clone::plan(kube::ClusterReader& reader, const plan::Input& input) {
    if (input.round == 0) TRY(know(reader, input));
    TRY_ASSIGN(const Now now, gather_now(reader, options_, input.operation, *choice_));
    TRY(know_workload(reader, input));
    if (input.round == 0) {
        TRY(check_place(options_, *choice_, now, input.operation));
        if (!input.resuming) TRY(check_ties(reader));
        if (treats_) TRY(check_unseen(reader, input.operation));
    }
    TRY_ASSIGN(plan::Plan plan, next(reader, input, now));
    if (input.round == 0) {
        plan.record = record_of(*live_, *choice_);
        plan.later_needs.push_back({"get", kube::kConfigMaps, options_.space, "", ""});  // a resume reads the journal
        foretell(plan);
    }
    return plan;
}

// Which round comes next is seen from what is there, not from how many there were: a resume begins wherever that is.
Result<plan::Plan> Clone::next(kube::ClusterReader& reader, const plan::Input& input, const Now& now) {
    Choice seeds = seeds_of(options_, *choice_);
    const bool prepared = !treats_ || now.all_prepared(seeds, mark_of(options_));
    // What an interrupted masking has left is neither masked nor as it was: away with it, and from the start.
    if (input.round == 0 && !options_.sql.empty() && !prepared && now.any_made(input.operation)) {
        TRY_ASSIGN(plan::Plan plan, everything_away(reader, input.operation));
        plan.last = plan.asks = false;
        return plan;
    }
    if (input.round == 0) TRY(check_one_moment(options_, seeds, now, input.operation));
    if (!now.all_bound(seeds, input.operation)) return copy(input, seeds, false);
    if (!prepared) return treat(input, now, seeds);
    if (has_more_than_seeds(options_, *choice_)) {
        TRY_ASSIGN(std::optional<plan::Plan> plan, spread(reader, input, now));
        if (plan) return std::move(*plan);
    }
    if (options_.whole()) return plan_workload(options_, *live_, *choice_, workload_, input);
    return plan_make(options_, *live_, *choice_, input, true);
}

// The claims of `choice`: snapshots first, where they are made of snapshots.
Result<plan::Plan> Clone::copy(const plan::Input& input, Choice& choice, bool bound) {
    if (choice.method == Method::kSnapshot && !all_ready(choice)) return plan_cut(options_, choice, input.operation);
    TRY(check_cut(options_, *live_, choice));
    TRY(choose_again(options_, classes_, choice));
    TRY_ASSIGN(plan::Plan plan, plan_make(options_, *live_, choice, input, bound));
    plan.last = !options_.whole() && !treats_;
    return plan;
}

Result<plan::Plan> Clone::treat(const plan::Input& input, const Now& now, const Choice& seeds) {
    std::vector<const Copy*> copies;
    for (const Copy& one : seeds.copies) copies.push_back(&one);
    TRY_ASSIGN(const Treatment treatment,
               treatment_of(options_, recorded_source(options_, *live_, seeds), copies, seeds, input.operation));
    if (!was_asked(treatment, input.progress.outputs)) return plan_ask(options_, treatment);
    treating_ = true;
    return plan_treat(options_, treatment, now, input.progress.outputs);
}

// nullopt: the other ordinals have their claims, and what these were made of is gone.
Result<std::optional<plan::Plan>> Clone::spread(kube::ClusterReader& reader, const plan::Input& input, const Now& now) {
    Spread others = spread_of(options_, *choice_, *live_, now, input.operation);
    TRY(gather_snapshots(reader, others.options.space, input.operation, others.choice));
    const bool bound = now.all_bound(*choice_, input.operation);
    const bool gone = std::none_of(others.choice.sources.begin(), others.choice.sources.end(),
                                   [](const Member& seed) { return seed.snapshot.has_value(); });
    if (bound && gone) return std::optional<plan::Plan>();
    if (!bound && others.choice.method == Method::kSnapshot && !all_ready(others.choice))
        return std::optional(plan_cut(others.options, others.choice, input.operation));
    if (!bound) TRY(check_cut(others.options, others.live, others.choice));
    TRY_ASSIGN(plan::Plan plan, plan_make(others.options, others.live, others.choice, input, bound));
    plan.last = !options_.whole();
    return std::optional(std::move(plan));
}

void Clone::foretell(plan::Plan& plan) const {
    if (!unlooked_.empty())
        plan.notes.push_back("whether it is software that would join its source was not seen on its volumes: " +
                             unlooked_);
    if (treats_) foretell_treatment(options_, seeds_of(options_, *choice_).copies.size(), plan);
    if (has_more_than_seeds(options_, *choice_)) {
        plan.later.push_back("make the claims of the other ordinals from the masked one's");
        for (const char* verb : {"get", "list", "watch", "create", "delete"})
            plan.later_needs.push_back({verb, kube::kSnapshots, options_.to_space, "", ""});
    }
    if (options_.whole()) foretell_workload(options_, *choice_, workload_, plan);
}

std::vector<kube::ObjectRef> Clone::own_objects(const std::string& operation) const {
    std::vector<kube::ObjectRef> refs;
    const auto add = [&](const kube::Resource& resource, const std::string& space, const std::string& name) {
        refs.push_back({resource, space, name});
    };
    for (std::size_t i = 0; i < choice_->copies.size(); ++i) {
        add(kube::kPods, options_.to_space, consumer_name(operation, i));
        if (treats_) add(kube::kPods, options_.to_space, treatment_pod(operation, i));
    }
    for (const Copy& copy : choice_->copies) add(kube::kClaims, options_.to_space, copy.spec.name);
    if (choice_->method != Method::kSnapshot) return refs;
    for (std::size_t i = 0; i < choice_->sources.size(); ++i) {
        if (options_.elsewhere()) {
            add(kube::kSnapshots, options_.to_space, import_name(options_, operation, i));
            add(kube::kSnapshotContents, "", import_name(options_, operation, i));
        }
        add(kube::kSnapshots, options_.space, choice_->sources[i].facts.snapshot);
    }
    for (const Member& seed : spread_of(options_, *choice_, *live_, {}, operation).choice.sources)
        add(kube::kSnapshots, options_.to_space, seed.facts.snapshot);
    return refs;
}

// By the labels of what is there, not by what would be planned now: a selector or Secret that came or went since must
// not stand in the way of taking a clone back.
Result<plan::Plan> Clone::everything_away(kube::ClusterReader& reader, const std::string& operation) const {
    std::vector<kube::ObjectRef> refs = own_objects(operation);
    const auto add = [&](const kube::ObjectRef& ref) {
        if (std::find(refs.begin(), refs.end(), ref) == refs.end()) refs.push_back(ref);
    };
    if (options_.whole()) {
        TRY_ASSIGN(const std::vector<KnownClone> known, known_clones(reader, options_.to_space, options_.name));
        for (const KnownClone& clone : known) {
            for (const KnownObject& one : clone.objects) add(one.ref);
        }
        for (const std::string& name : options_.copy_secrets) add({kube::kSecrets, options_.to_space, name});
    }
    TRY_ASSIGN(const Removal all,
               gather_removal(reader, refs, [&](const Json& object) { return made_by(object, operation); }));
    return plan_removal(all);
}

Result<plan::Plan> Clone::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan plan;
    plan.last = false;
    if (!choice_) return plan;
    const bool dropped = error.reason == "DataSourceDropped";
    bool unmasked = false;
    if (!options_.sql.empty()) {
        TRY_ASSIGN(const Now now, gather_now(reader, options_, input.operation, *choice_));
        unmasked = now.any_made(input.operation) && !now.all_prepared(seeds_of(options_, *choice_), mark_of(options_));
    }
    if (dropped || unmasked) {
        TRY_ASSIGN(plan, everything_away(reader, input.operation));
        plan.last = true;
        plan.instead = error;
        plan.instead->message += "; all of the clone was removed, the source is intact";
        if (dropped) {
            plan.instead->kind = ErrorKind::kFailed;
            plan.instead->hint =
                "look for a webhook or policy that edits claims, and whether the API server serves this data source";
        } else if (treating_ && error.kind != ErrorKind::kInterrupted) {
            plan.instead->kind = ErrorKind::kMismatch;
            plan.instead->message = "masking failed: " + plan.instead->message;
        }
        return plan;
    }
    // Claims that are not bound yet are gone on with by resume; throwaway pods are made again.
    for (const kube::ObjectRef& ref : own_objects(input.operation)) {
        if (!(ref.resource == kube::kPods)) continue;
        TRY_ASSIGN(const std::optional<Json> pod, reader.find(ref));
        if (!pod || !made_by(*pod, input.operation)) continue;
        plan.steps.push_back(plan::delete_step("delete-" + ref.name, ref, kube::uid_of(*pod), "a throwaway"));
    }
    return plan;
}

Result<std::optional<plan::Plan>> Clone::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    if (!has_record(input.record)) return std::optional<plan::Plan>();
    TRY(know(reader, input));
    TRY_ASSIGN(plan::Plan plan, everything_away(reader, input.operation));
    return std::optional(std::move(plan));
}

}  // namespace holdfast::clone
