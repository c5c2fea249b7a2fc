#include "plugins/clone/steps.h"

#include "common/copies/pods.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/make_step.h"

#include <algorithm>
#include <map>

namespace holdfast::clone {
namespace {

using plan::Condition;
using plan::Create;
using plan::Step;
using plan::WaitFor;

constexpr std::size_t kObjectLimit = 253;
constexpr char kOnlyRead[] = "the source is only read";

Json cut_manifest(const CloneOptions& options, const Member& source) {
    return {{"apiVersion", kube::kSnapshots.api_version()},
            {"kind", kube::kSnapshots.kind},
            {"metadata",
             {{"name", source.facts.snapshot},
              {"namespace", options.space},
              {"labels", {{labels::kRole, "clone"}}},
              {"annotations", {{labels::kClaim, source.facts.claim}}}}},
            {"spec",
             {{"source", {{"persistentVolumeClaimName", source.facts.claim}}},
              {"volumeSnapshotClassName", source.facts.snapshot_class}}}};
}

std::string counted(std::size_t count, const std::string& what) {
    return count == 1 ? "the " + what + " is" : "the " + std::to_string(count) + " " + what + "s are";
}

void note_consistency(const Choice& choice, plan::Plan& plan) {
    plan.notes.push_back("method: " + method_name(choice.method) + " (" + choice.why + ")");
    if (choice.sources.size() == 1) {
        plan.notes.push_back("consistency: crash-consistent, like a disk after a power cut");
        return;
    }
    plan.notes.push_back("consistency: none: each volume is crash-consistent, but the " +
                         std::to_string(choice.sources.size()) + " are copied one after the other");
}

void need(plan::Plan& plan, std::initializer_list<const char*> verbs, const kube::Resource& resource,
          const std::string& space) {
    for (const char* verb : verbs)
        plan.later_needs.push_back({verb, resource, resource.namespaced ? space : "", "", ""});
}

// What the second round will need: asked for before the first write.
void add_later(const CloneOptions& options, const Choice& choice, plan::Plan& plan) {
    plan.later.push_back("make " + std::to_string(choice.copies.size()) +
                         (choice.copies.size() == 1 ? " claim" : " claims") + " in namespace " + options.to_space +
                         " from the snapshots, at least as large as these say");
    plan.later.push_back("delete the snapshots once every claim is bound");
    need(plan, {"get", "create", "list", "watch", "delete"}, kube::kClaims, options.to_space);
    need(plan, {"get", "list", "watch", "delete"}, kube::kSnapshots, options.space);
    need(plan, {"get", "patch"}, kube::kSnapshotContents, "");
    need(plan, {"get", "list"}, kube::kVolumes, "");
    if (options.elsewhere()) {
        need(plan, {"create", "get", "list", "watch", "delete"}, kube::kSnapshots, options.to_space);
        need(plan, {"create", "get", "list", "watch", "delete"}, kube::kSnapshotContents, "");
    }
    if (choice.waits_for_pod()) need(plan, {"create", "get", "list", "watch", "delete"}, kube::kPods, options.to_space);
}

// The pod spec that says where the clone's volumes should be reachable from: the workload's, or that of the pod which
// mounts the claim.
Json placing_spec(const CloneOptions& options, const LiveFacts& live) {
    if (!(*options.source.resource == kube::kClaims)) return kube::pod_spec_of_workload(live.workloads.front());
    return live.pods.empty() ? Json() : kube::pod_spec_of_workload(live.pods.front());
}

std::string first_image(const Json& pod_spec) { return kube::text_at(pod_spec, "/containers/0/image"); }

class Maker {
  public:
    Maker(const CloneOptions& options, const LiveFacts& live, const Choice& choice, const plan::Input& input)
        : options_(options), live_(live), choice_(choice), input_(input) {}

    Result<plan::Plan> build(bool bound) {
        if (!bound) {
            TRY(import_cuts());
            make_claims();
            make_consumers();
        }
        wait_bound();
        remove_consumers();
        remove_imports();
        remove_cuts();
        return std::move(plan_);
    }

  private:
    void add(Step step) { current_.push_back(step.id), plan_.steps.push_back(std::move(step)); }
    // What follows waits for all that was added since the last call.
    void next() {
        if (!current_.empty()) after_ = std::move(current_);
        current_.clear();
    }
    bool snapshots() const { return choice_.method == Method::kSnapshot; }

    Status import_cuts() {
        if (!snapshots() || !options_.elsewhere()) return {};
        WaitFor ready{kube::kSnapshots, options_.to_space, {}, Condition::kSnapshotReady, ""};
        for (std::size_t i = 0; i < choice_.sources.size(); ++i) {
            const std::string name = import_name(options_, input_.operation, i);
            TRY_ASSIGN(Import import, import_of(choice_.sources[i], options_.to_space, name));
            ready.names.push_back(name);
            const std::string number = std::to_string(i);
            add(plan::make_step(
                "import-content-" + number, "create volumesnapshotcontent/" + name,
                "the same snapshot for namespace " + options_.to_space + "; policy Retain, so it never deletes it",
                Create{std::move(import.content), {"/spec/source", "/spec/deletionPolicy"}}));
            add(plan::make_step("import-snapshot-" + number, "create vs/" + options_.to_space + "/" + name, "",
                                Create{std::move(import.snapshot), {"/spec/source"}}, {"import-content-" + number}));
        }
        next();
        const std::string all = counted(ready.names.size(), "snapshot");
        add(plan::make_step("wait-import", "wait until " + all + " ready there", "", std::move(ready), after_));
        next();
        return {};
    }

    Json manifest_of(const Copy& copy) const {
        const Member& source = choice_.sources[copy.of];
        ClaimSpec spec = copy.spec;
        spec.snapshot = options_.elsewhere() ? import_name(options_, input_.operation, copy.of) : source.facts.snapshot;
        Json manifest = claim_manifest(spec, source, Json::object());
        manifest["metadata"]["annotations"] = Json::object();
        if (!snapshots()) manifest["spec"]["dataSource"] = {{"kind", kube::kClaims.kind}, {"name", source.facts.claim}};
        mark(options_, input_, source.called + " uid=" + source.facts.claim_uid, manifest);
        if (source.snapshot && !source.snapshot->cut_at.empty())
            manifest["metadata"]["annotations"][labels::kCutAt] = source.snapshot->cut_at;
        return manifest;
    }

    // Of a claim the API server tells an apiGroup of its own: null.
    std::vector<std::string> survivors() const {
        if (snapshots()) return {"/spec/dataSource"};
        return {"/spec/dataSource/kind", "/spec/dataSource/name"};
    }

    void make_claims() {
        for (const Copy& copy : choice_.copies) {
            const Member& source = choice_.sources[copy.of];
            // Read back: an API server that does not know the source drops it without a word, and an empty volume would
            // bind.
            add(plan::make_step("create-claim-" + copy.spec.name,
                                "create pvc/" + options_.to_space + "/" + copy.spec.name,
                                "a copy of " + source.called + ", " + copy.spec.size.text() + ", class " +
                                    copy.spec.storage_class.name + " (" + copy.spec.why_class + ")",
                                Create{manifest_of(copy), survivors()}, after_));
        }
        next();
    }

    void make_consumers() {
        const Json pod_spec = placing_spec(options_, live_);
        const kube::Placement placement = without_pod_terms(kube::placement_of(pod_spec));
        const auto groups = consumer_groups(choice_);
        for (std::size_t i = 0; i < groups.size(); ++i) {
            Consumer consumer;
            consumer.name = consumer_name(input_.operation, i);
            consumer.space = options_.to_space;
            std::vector<const Member*> sources;
            for (const Copy* copy : groups[i]) {
                consumer.claims.push_back({copy->spec.name, copy->spec.volume_mode == "Block"});
                sources.push_back(&choice_.sources[copy->of]);
            }
            consumer.image = options_.image.empty() ? first_image(pod_spec) : options_.image;
            if (consumer.image.empty()) consumer.image = kFallbackImage;
            add(plan::make_step("create-consumer-" + std::to_string(i),
                                "create pod/" + options_.to_space + "/" + consumer.name,
                                "class " + groups[i].front()->spec.storage_class.name +
                                    " binds where a pod is scheduled: this one goes where the workload could, and is "
                                    "removed",
                                Create{consumer_manifest(consumer, placement, topology_of(sources)), {}}, after_));
        }
        next();
    }

    void wait_bound() {
        WaitFor bound{kube::kClaims, options_.to_space, {}, Condition::kClaimBound, ""};
        for (const Copy& copy : choice_.copies) bound.names.push_back(copy.spec.name);
        add(plan::make_step("wait-bound", "wait until " + counted(choice_.copies.size(), "claim") + " Bound", "",
                            std::move(bound), after_));
        next();
    }

    void remove_consumers() {
        const std::size_t count = consumer_groups(choice_).size();
        for (std::size_t i = 0; i < count; ++i) {
            add(plan::delete_step("delete-consumer-" + std::to_string(i),
                                  {kube::kPods, options_.to_space, consumer_name(input_.operation, i)}, "",
                                  "it was needed only until the claims were bound", after_));
        }
        next();
    }

    void remove_imports() {
        if (!snapshots() || !options_.elsewhere()) return;
        for (std::size_t i = 0; i < choice_.sources.size(); ++i) {
            const std::string name = import_name(options_, input_.operation, i), number = std::to_string(i);
            add(plan::delete_step("delete-import-snapshot-" + number, {kube::kSnapshots, options_.to_space, name}, "",
                                  "the claims no longer need it", after_));
            add(plan::delete_step("delete-import-content-" + number, {kube::kSnapshotContents, "", name}, "",
                                  "policy Retain: the snapshot itself goes with the source's",
                                  {"delete-import-snapshot-" + number}));
        }
        next();
    }

    void remove_cuts() {
        if (!snapshots()) return;
        for (std::size_t i = 0; i < choice_.sources.size(); ++i) {
            const Member& source = choice_.sources[i];
            if (!source.snapshot) continue;
            std::vector<std::string> after = after_;
            const std::string number = std::to_string(i);
            // Under Retain the storage would keep a snapshot that nobody knows of.
            if (source.content && source.content->deletion_policy != "Delete") {
                add(plan::patch_step(
                    "reclaim-content-" + number,
                    "set the deletion policy of volumesnapshotcontent/" + source.content->name + " to Delete",
                    "a throwaway snapshot must not stay on the storage",
                    {kube::kSnapshotContents, "", source.content->name}, source.content->uid,
                    {{"spec", {{"deletionPolicy", "Delete"}}}}, after_));
                after = {"reclaim-content-" + number};
            }
            add(plan::delete_step("delete-vs-" + number, {kube::kSnapshots, options_.space, source.facts.snapshot},
                                  source.snapshot->uid, "it was needed only for the copy", after));
        }
        next();
    }

    const CloneOptions& options_;
    const LiveFacts& live_;
    const Choice& choice_;
    const plan::Input& input_;
    plan::Plan plan_;
    std::vector<std::string> after_, current_;
};

}  // namespace

std::string import_name(const CloneOptions& options, const std::string& operation, std::size_t source) {
    return bounded_name("import-" + options.to_space + "-" + operation, "-" + std::to_string(source), kObjectLimit);
}

std::string consumer_name(const std::string& operation, std::size_t group) {
    return bounded_name(operation, "-" + std::to_string(group));
}

std::vector<std::vector<const Copy*>> consumer_groups(const Choice& choice) {
    std::map<int, std::vector<const Copy*>> groups;
    for (const Copy& copy : choice.copies) {
        if (copy.spec.storage_class.waits_for_pod()) groups[copy.ordinal].push_back(&copy);
    }
    std::vector<std::vector<const Copy*>> result;
    for (auto& [ordinal, copies] : groups) result.push_back(std::move(copies));
    return result;
}

void mark(const CloneOptions& options, const plan::Input& input, const std::string& source, Json& manifest) {
    Json& metadata = manifest["metadata"];
    metadata["labels"][labels::kRole] = "clone";
    metadata["labels"][labels::kClone] = options.name;
    metadata["annotations"][labels::kClonedFrom] = source;
    metadata["annotations"][labels::kMadeAs] =
        plan::ref_of_manifest(manifest).resource.plural + "/" + kube::name_of(manifest);
    if (options.lifetime) metadata["annotations"][labels::kExpires] = format_time(input.now + *options.lifetime);
}

plan::Plan plan_cut(const CloneOptions& options, const Choice& choice, const std::string& operation) {
    plan::Plan plan;
    plan.operation = operation;
    plan.last = false;
    plan.notes = choice.notes;
    WaitFor cut{kube::kSnapshots, options.space, {}, Condition::kSnapshotCut, ""};
    std::vector<std::string> made;
    for (std::size_t i = 0; i < choice.sources.size(); ++i) {
        const Member& source = choice.sources[i];
        Step step = plan::make_step(
            "create-vs-" + std::to_string(i), "create vs/" + options.space + "/" + source.facts.snapshot,
            "snapshot of " + source.called + " with class " + source.facts.snapshot_class,
            Create{cut_manifest(options, source), {"/spec/source", "/spec/volumeSnapshotClassName"}});
        step.phase = "cut";
        made.push_back(step.id);
        cut.names.push_back(source.facts.snapshot);
        plan.steps.push_back(std::move(step));
    }
    WaitFor ready = cut;
    ready.condition = Condition::kSnapshotReady;
    const std::string all = counted(choice.sources.size(), "snapshot");
    Step wait = plan::make_step("cut", "wait until " + all + " cut",
                                "from then on writes to the source are not in the clone", std::move(cut), made);
    wait.phase = "cut";
    plan.steps.push_back(std::move(wait));
    plan.steps.push_back(
        plan::make_step("ready", "wait until " + all + " ready to be restored", "", std::move(ready), {"cut"}));
    note_consistency(choice, plan);
    plan.notes.push_back(kOnlyRead);
    add_later(options, choice, plan);
    return plan;
}

Result<plan::Plan> plan_make(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                             const plan::Input& input, bool bound) {
    TRY_ASSIGN(plan::Plan plan, Maker(options, live, choice, input).build(bound));
    plan.operation = input.operation;
    if (input.round == 0) {
        plan.notes = choice.notes;
        note_consistency(choice, plan);
        plan.notes.push_back(kOnlyRead);
        if (choice.method == Method::kClone)
            plan.notes.push_back(
                "the CSI provisioner, not Holdfast, puts a finalizer of its own on a claim that the driver clones");
        need(plan, {"get", "delete"}, kube::kClaims, options.to_space);  // a recovery removes an empty one
        need(plan, {"get", "list"}, kube::kVolumes, "");
    }
    return plan;
}

Result<plan::Plan> plan_workload(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                                 const Workload& workload, const plan::Input& input) {
    TRY_ASSIGN(plan::Plan plan, plan_make(options, live, choice, input, true));
    std::vector<std::string> after;
    for (const Step& step : plan.steps) after.push_back(step.id);
    std::vector<std::string> made = after;
    for (const Json& object : workload.before) {
        const kube::ObjectRef ref = plan::ref_of_manifest(object);
        made.push_back("create-" + ref.resource.short_name + "-" + ref.name);
        plan.steps.push_back(plan::make_step(made.back(), "create " + ref.text(), "the clone's pods need it",
                                             Create{object, {}}, after));
    }
    const kube::ObjectRef ref = plan::ref_of_manifest(workload.manifest);
    plan.steps.push_back(plan::make_step("create-workload", "create " + ref.text(),
                                         "like " + options.source_ref().text() + ", on the clone's claims",
                                         Create{workload.manifest, {"/spec/selector"}}, made));
    plan.steps.push_back(plan::make_step("wait-workload", "wait until every pod of " + ref.text() + " is ready", "",
                                         WaitFor{ref.resource, ref.space, {ref.name}, Condition::kAllReady, ""},
                                         {"create-workload"}));
    plan.last = true;
    return plan;
}

void foretell_workload(const CloneOptions& options, const Choice& choice, const Workload& workload, plan::Plan& plan) {
    const kube::ObjectRef ref = plan::ref_of_manifest(workload.manifest);
    for (const std::string& note : workload.notes) plan.notes.push_back(note);
    for (const Json& object : workload.before) {
        const kube::ObjectRef before = plan::ref_of_manifest(object);
        plan.later.push_back("create " + before.text());
        need(plan, {"create"}, before.resource, options.to_space);
        plan.later_needs.push_back(
            {"get", before.resource, options.to_space, "", before.resource == kube::kSecrets ? before.name : ""});
    }
    std::string pods = " and wait until it is ready";
    if (choice.replicas > 0)
        pods = " with ordinals " + std::to_string(choice.start) + " to " +
               std::to_string(choice.start + choice.replicas - 1) + pods;
    plan.later.push_back("create " + ref.text() + pods);
    need(plan, {"get", "create", "list", "watch"}, ref.resource, options.to_space);
}

}  // namespace holdfast::clone
