#include "plugins/restore/restore_pvc.h"

#include "common/copies/pods.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "plugins/restore/shared.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Create;
using plan::Step;
using plan::WaitFor;

std::string import_name(const PvcOptions& options, const std::string& operation) {
    return bounded_name("import-" + options.space + "-" + operation, "", 253);
}
std::string consumer_name(const std::string& operation) { return operation; }

kube::ObjectRef claim_ref(const PvcOptions& options) { return {kube::kClaims, options.space, options.name}; }

class ClaimPlanner {
  public:
    ClaimPlanner(const PvcOptions& options, const PvcFacts& facts, const Member& member, ClaimSpec spec,
                 const std::string& operation)
        : options_(options),
          facts_(facts),
          member_(member),
          spec_(std::move(spec)),
          operation_(operation),
          import_name_(import_name(options, operation)) {}

    Result<plan::Plan> build() {
        // A run before this one may have come so far that only its helpers are left to be removed.
        const bool bound = facts_.existing && facts_.existing->phase == "Bound";
        const bool foreign_space = options_.from_space != options_.space;
        if (!bound) TRY(make_source_ready(foreign_space));
        make_claim(bound);
        if (foreign_space) remove_import();
        describe();
        return std::move(plan_);
    }

  private:
    void add(Step step) {
        last_ = step.id;
        plan_.steps.push_back(std::move(step));
    }
    std::vector<std::string> after_last() const {
        return last_.empty() ? std::vector<std::string>{} : std::vector{last_};
    }

    Status make_source_ready(bool foreign_space) {
        if (!member_.snapshot->ready) {
            add(plan::make_step(
                "wait-ready", "wait until " + member_.text() + " can be restored", "the storage still works on it",
                WaitFor{
                    kube::kSnapshots, options_.from_space, {member_.facts.snapshot}, Condition::kSnapshotReady, ""}));
        }
        if (!foreign_space) return {};
        TRY_ASSIGN(Import import, import_of(member_, options_.space, import_name_));
        spec_.snapshot = import_name_;
        add(plan::make_step(
            "import-content", "create volumesnapshotcontent/" + import_name_,
            "the same snapshot for namespace " + options_.space + "; policy Retain, so it never deletes it",
            Create{std::move(import.content), {"/spec/source", "/spec/deletionPolicy"}}, after_last()));
        add(plan::make_step("import-snapshot", "create vs/" + options_.space + "/" + import_name_, "",
                            Create{std::move(import.snapshot), {"/spec/source"}}, after_last()));
        add(plan::make_step("wait-import", "wait until vs/" + options_.space + "/" + import_name_ + " is ready", "",
                            WaitFor{kube::kSnapshots, options_.space, {import_name_}, Condition::kSnapshotReady, ""},
                            after_last()));
        return {};
    }

    void make_claim(bool bound) {
        if (!bound) {
            Json manifest = claim_manifest(spec_, member_, Json::object());
            // Read back: an API server that does not know the source drops it without a word, and an empty volume would
            // bind.
            add(plan::make_step(
                "create-claim", "create " + claim_ref(options_).text(),
                spec_.size.text() + ", class " + spec_.storage_class.name + " (" + spec_.why_class + ")",
                Create{std::move(manifest), {"/spec/dataSource"}}, after_last()));
            if (spec_.storage_class.waits_for_pod()) make_consumer();
        }
        add(plan::make_step("wait-bound", "wait until " + claim_ref(options_).text() + " is Bound", "",
                            WaitFor{kube::kClaims, options_.space, {options_.name}, Condition::kClaimBound, ""},
                            after_last()));
        if (spec_.storage_class.waits_for_pod()) {
            add(plan::delete_step("delete-consumer", {kube::kPods, options_.space, consumer_name(operation_)}, "",
                                  "it was needed only until the claim was bound", after_last()));
        }
    }

    void make_consumer() {
        Consumer consumer;
        consumer.name = consumer_name(operation_);
        consumer.space = options_.space;
        consumer.claims = {{options_.name, spec_.volume_mode == "Block"}};
        consumer.image = options_.image;
        const kube::Placement placement = facts_.source.placement();
        if (facts_.source.record && !facts_.source.record->containers.empty()) {
            const kube::ContainerFacts& container = facts_.source.record->containers.front();
            if (consumer.image.empty()) consumer.image = container.image;
            const auto found = placement.resources.find(container.name);
            if (found != placement.resources.end()) consumer.resources = found->second;
        }
        if (consumer.image.empty()) consumer.image = kFallbackImage;
        add(plan::make_step(
            "create-consumer", "create pod/" + options_.space + "/" + consumer.name,
            "class " + spec_.storage_class.name +
                " binds where a pod is scheduled: this one goes where the workload could, and is removed",
            Create{consumer_manifest(consumer, placement, topology_of({&member_})), {}}, after_last()));
    }

    void remove_import() {
        add(plan::delete_step("delete-import-snapshot", {kube::kSnapshots, options_.space, import_name_}, "",
                              "the claim no longer needs it", after_last()));
        add(plan::delete_step("delete-import-content", {kube::kSnapshotContents, "", import_name_}, "",
                              "policy Retain: the storage keeps the snapshot", after_last()));
    }

    void describe() {
        plan_.operation = operation_;
        const Source& source = facts_.source;
        std::string data = "the data is that of claim " +
                           (member_.facts.claim.empty() ? "(unknown)" : member_.facts.claim) + " as of " +
                           (member_.snapshot->cut_at.empty() ? "(not cut yet)" : member_.snapshot->cut_at);
        if (source.is_set && source.record) data += "; consistency of the set: " + source.record->consistency;
        plan_.notes.push_back(std::move(data));
        // A recovery removes an empty claim and the consumer.
        plan_.later_needs.push_back({"delete", kube::kClaims, options_.space, "", ""});
        plan_.later_needs.push_back({"list", kube::kPods, options_.space, "", ""});
    }

    const PvcOptions& options_;
    const PvcFacts& facts_;
    const Member& member_;
    ClaimSpec spec_;
    const std::string& operation_;
    std::string import_name_;
    plan::Plan plan_;
    std::string last_;
};

Status check_free(const PvcOptions& options, const PvcFacts& facts, const std::string& operation) {
    if (!facts.existing || facts.existing->operation == operation) return {};
    std::string message = claim_ref(options).text() + " exists already";
    if (!facts.existing->operation.empty())
        message += " (made by operation " + escape_line(facts.existing->operation) + ")";
    return Error{ErrorKind::kRefused, message + "; nothing was changed", "choose another name for the new claim"};
}

// A run before this one, with the same command line, came to its end: running it again is no error and makes nothing.
bool finished_before(const PvcFacts& facts, const Member& member, const ClaimSpec& spec) {
    if (!facts.existing || facts.existing->operation.empty()) return false;
    const kube::Claim& claim = *facts.existing;
    return claim.phase == "Bound" && !claim.deleting && claim.source_kind == "VolumeSnapshot" &&
           claim.restored_from == source_text(member) && claim.storage_class == spec.storage_class.name &&
           claim.volume_mode == spec.volume_mode && claim.access_modes == spec.access_modes && claim.requested &&
           *claim.requested == spec.size;
}

plan::Plan nothing_to_do(const PvcOptions& options, const PvcFacts& facts, const std::string& operation) {
    plan::Plan plan;
    plan.operation = operation;
    plan.steps.push_back(plan::make_step(
        "wait-bound", "see that " + claim_ref(options).text() + " is Bound", "an earlier run restored it",
        WaitFor{kube::kClaims, options.space, {options.name}, Condition::kClaimBound, ""}));
    plan.notes.push_back("operation " + escape_line(facts.existing->operation) +
                         " restored this claim already, from this snapshot; what was written to it since stays");
    return plan;
}

bool used_by_a_pod(const std::vector<Json>& pods, const std::string& claim) {
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        if (kube::label_of(pod, labels::kRole) == "consumer") return false;
        const auto claims = kube::claims_of_pod(pod);
        return std::find(claims.begin(), claims.end(), claim) != claims.end();
    });
}

Result<std::optional<kube::Claim>> read_claim(kube::ClusterReader& reader, const PvcOptions& options) {
    TRY_ASSIGN(const std::optional<Json> object, reader.find(claim_ref(options)));
    return object ? std::optional(kube::claim_of(*object)) : std::nullopt;
}

}  // namespace

Result<plan::Plan> plan_pvc(const PvcOptions& options, const PvcFacts& facts, const std::string& operation) {
    TRY(check_complete(facts.source));
    TRY_ASSIGN(const Member* member, select_one(facts.source, options.selection));
    TRY_ASSIGN(ClaimSpec spec, choose_claim(facts.source, *member, options.wishes));
    if (facts.existing && facts.existing->operation != operation && finished_before(facts, *member, spec))
        return nothing_to_do(options, facts, operation);
    TRY(check_free(options, facts, operation));
    spec.name = options.name;
    spec.space = options.space;
    if (!facts.existing) TRY(check_rivals(facts.source.free_volumes, spec));
    return ClaimPlanner(options, facts, *member, std::move(spec), operation).build();
}

Result<plan::Plan> RestorePvc::plan(kube::ClusterReader& reader, const plan::Input& input) {
    PvcFacts facts;
    TRY_ASSIGN(facts.existing, read_claim(reader, options_));
    TRY_ASSIGN(facts.source, gather_source(reader, options_.from_space, options_.from));
    TRY_ASSIGN(plan::Plan plan, plan_pvc(options_, facts, input.operation));
    TRY_ASSIGN(const Member* member, select_one(facts.source, options_.selection));
    what_ = facts.source.text();
    if (facts.source.is_set) what_ += " (" + member->text() + ")";
    driver_ = member->driver;
    snapshot_ = member->text();
    return plan;
}

Result<plan::Plan> RestorePvc::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan plan;
    plan.last = false;  // a claim that is not bound yet is gone on with by resume
    TRY_ASSIGN(const std::optional<Json> consumer,
               reader.find({kube::kPods, options_.space, consumer_name(input.operation)}));
    if (consumer && kube::label_of(*consumer, labels::kOperation) == input.operation) {
        plan.steps.push_back(plan::delete_step("delete-consumer",
                                               {kube::kPods, options_.space, consumer_name(input.operation)},
                                               kube::uid_of(*consumer), "a throwaway"));
    }
    if (error.reason != "DataSourceDropped") return plan;
    TRY_ASSIGN(const auto claim, read_claim(reader, options_));
    if (!claim || claim->operation != input.operation || !claim->source_kind.empty()) return plan;
    TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, options_.space));
    if (used_by_a_pod(pods.items, options_.name)) return plan;
    plan.steps.push_back(plan::delete_step("delete-empty-claim", claim_ref(options_), claim->uid,
                                           "the API server dropped its data source: it is empty"));
    if (options_.from_space != options_.space) {
        const std::string name = import_name(options_, input.operation);
        plan.steps.push_back(
            plan::delete_step("delete-import-snapshot", {kube::kSnapshots, options_.space, name}, "", ""));
        plan.steps.push_back(plan::delete_step("delete-import-content", {kube::kSnapshotContents, "", name}, "", ""));
    }
    plan.last = true;
    plan.instead = Error{ErrorKind::kFailed, error.message + "; the empty claim was deleted, nothing else was changed",
                         "look for a webhook or policy that edits claims, and whether the API server serves dataSource "
                         "for VolumeSnapshot"};
    return plan;
}

Result<plan::Report> RestorePvc::report(kube::ClusterReader& reader, const plan::Input&) {
    TRY_ASSIGN(const auto claim, read_claim(reader, options_));
    const std::string text = claim_ref(options_).text();
    if (!claim || claim->phase != "Bound" || claim->source_kind != "VolumeSnapshot" || claim->volume.empty()) {
        return Error{ErrorKind::kConflict,
                     text + " is not bound to a restored volume any more: somebody else changed it", ""};
    }
    TRY_ASSIGN(const Json object, reader.get({kube::kVolumes, "", claim->volume}));
    const kube::Volume volume = kube::volume_of(object);
    if (volume.claim_uid != claim->uid || volume.driver != driver_ || volume.chosen) {
        return Error{ErrorKind::kMismatch,
                     text + " is bound to pv/" + volume.name + ", which the driver of " + snapshot_ +
                         " did not make for it: nothing was restored",
                     "whose volume it is tells `kubectl describe pv " + volume.name +
                         "`; set its reclaim policy to Retain before the claim is deleted"};
    }
    const std::string size = claim->capacity    ? claim->capacity->text()
                             : claim->requested ? claim->requested->text()
                                                : "";
    plan::Report report;
    report.text = "persistentvolumeclaim/" + options_.name + " restored from " + what_ + ": " + size + ", class " +
                  claim->storage_class + ", volume " + volume.name + "\n";
    report.names = {"persistentvolumeclaim/" + options_.name};
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "RestoredClaim"},
                   {"name", options_.name},
                   {"namespace", options_.space},
                   {"uid", claim->uid},
                   {"from", what_},
                   {"size", size},
                   {"storageClassName", claim->storage_class},
                   {"volume", volume.name}};
    return report;
}

}  // namespace holdfast::restore
