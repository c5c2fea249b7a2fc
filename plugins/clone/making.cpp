// From cuts to bound claims: imports, claims, the throwaway pods that they are bound by, and what goes afterwards.
#include "plugins/clone/steps.h"

#include "common/copies/pods.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/make_step.h"
#include "plugins/clone/sites.h"

#include <algorithm>
#include <map>

namespace holdfast::clone {
namespace {

constexpr std::size_t kObjectLimit = 253;

// The pod spec that says where the clone's volumes should be reachable from: the workload's, or that of the pod which
// mounts the claim.
Json placing_spec(const CloneOptions& options, const LiveFacts& live) {
    if (!(*options.source.resource == kube::kClaims)) return kube::pod_spec_of_workload(live.workloads.front());
    return live.pods.empty() ? Json() : kube::pod_spec_of_workload(live.pods.front());
}

std::string first_image(const Json& pod_spec) { return kube::text_at(pod_spec, "/containers/0/image"); }

class Making {
  public:
    Making(const CloneOptions& options, const LiveFacts& live, const Choice& choice, const plan::Input& input)
        : options_(options), live_(live), choice_(choice), input_(input) {}

    Result<plan::Plan> build_imports() {
        TRY(import_cuts());
        plan_.last = false;
        return std::move(plan_);
    }

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
    void add(plan::Step step) { current_.push_back(step.id), plan_.steps.push_back(std::move(step)); }
    void put(plan::Step step) { add(in_place(options_, std::move(step))); }
    // What follows waits for all that was added since the last call.
    void next() {
        if (!current_.empty()) after_ = std::move(current_);
        current_.clear();
    }
    bool snapshots() const { return choice_.method == Method::kSnapshot; }

    Status import_cuts() {
        if (!snapshots() || !options_.elsewhere()) return {};
        if (options_.other) {
            add(put_signpost(options_, input_.operation));
            next();
        }
        plan::WaitFor ready{kube::kSnapshots, options_.to_space, {}, plan::Condition::kSnapshotReady, ""};
        for (std::size_t i = 0; i < choice_.sources.size(); ++i) {
            const std::string name = import_name(options_, input_.operation, i);
            TRY_ASSIGN(Import import, import_of(choice_.sources[i], options_.to_space, name));
            if (options_.other) name_class_there(choice_.sources[i], import);
            ready.names.push_back(name);
            const std::string number = std::to_string(i);
            put(plan::make_step(
                "import-content-" + number, "create volumesnapshotcontent/" + name,
                "the same snapshot for namespace " + options_.to_space + "; policy Retain, so it never deletes it",
                plan::Create{std::move(import.content), {"/spec/source", "/spec/deletionPolicy"}}, after_));
            put(plan::make_step("import-snapshot-" + number, "create vs/" + options_.to_space + "/" + name, "",
                                plan::Create{std::move(import.snapshot), {"/spec/source"}},
                                {"import-content-" + number}));
        }
        next();
        const std::string all = counted(ready.names.size(), "snapshot");
        put(plan::make_step("wait-import", "wait until " + all + " ready there", "", std::move(ready), after_));
        next();
        return {};
    }

    // A content that names a class which is not there is never ready.
    void name_class_there(const Member& source, Import& import) const {
        const bool known =
            std::any_of(choice_.classes_there.begin(), choice_.classes_there.end(), [&](const Json& object) {
                const kube::SnapshotClass one = kube::snapshot_class_of(object);
                return one.driver == source.driver && one.name == source.content->snapshot_class;
            });
        if (known) return;
        import.content["spec"].erase("volumeSnapshotClassName");
        import.snapshot["spec"].erase("volumeSnapshotClassName");
    }

    Json manifest_of(const Copy& copy) const {
        const Member& source = choice_.sources[copy.of];
        ClaimSpec spec = copy.spec;
        spec.snapshot = options_.elsewhere() ? import_name(options_, input_.operation, copy.of) : source.facts.snapshot;
        Json manifest = claim_manifest(spec, source, Json::object());
        manifest["metadata"]["annotations"] = Json::object();
        for (const auto& [key, value] : copy.labels) manifest["metadata"]["labels"][key] = value;
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
            put(plan::make_step("create-claim-" + copy.spec.name,
                                "create pvc/" + options_.to_space + "/" + copy.spec.name,
                                "a copy of " + source.called + ", " + copy.spec.size.text() + ", class " +
                                    copy.spec.storage_class.name + " (" + copy.spec.why_class + ")",
                                plan::Create{manifest_of(copy), survivors()}, after_));
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
            put(plan::make_step(
                "create-consumer-" + std::to_string(i), "create pod/" + options_.to_space + "/" + consumer.name,
                "class " + groups[i].front()->spec.storage_class.name +
                    " binds where a pod is scheduled: this one goes where the workload could, and is "
                    "removed",
                plan::Create{consumer_manifest(consumer, placement, topology_of(sources)), {}}, after_));
        }
        next();
    }

    void wait_bound() {
        plan::WaitFor bound{kube::kClaims, options_.to_space, {}, plan::Condition::kClaimBound, ""};
        for (const Copy& copy : choice_.copies) bound.names.push_back(copy.spec.name);
        put(plan::make_step("wait-bound", "wait until " + counted(choice_.copies.size(), "claim") + " Bound", "",
                            std::move(bound), after_));
        next();
    }

    void remove_consumers() {
        const std::size_t count = consumer_groups(choice_).size();
        for (std::size_t i = 0; i < count; ++i) {
            put(plan::delete_step("delete-consumer-" + std::to_string(i),
                                  {kube::kPods, options_.to_space, consumer_name(input_.operation, i)}, "",
                                  "it was needed only until the claims were bound", after_));
        }
        next();
    }

    void remove_imports() {
        if (!snapshots() || !options_.elsewhere()) return;
        for (std::size_t i = 0; i < choice_.sources.size(); ++i) {
            const std::string name = import_name(options_, input_.operation, i), number = std::to_string(i);
            put(plan::delete_step("delete-import-snapshot-" + number, {kube::kSnapshots, options_.to_space, name}, "",
                                  "the claims no longer need it", after_));
            put(plan::delete_step("delete-import-content-" + number, {kube::kSnapshotContents, "", name}, "",
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

std::string counted(std::size_t count, const std::string& what) {
    return count == 1 ? "the " + what + " is" : "the " + std::to_string(count) + " " + what + "s are";
}

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
    metadata["annotations"][labels::kClonedFrom] =
        source + (options.other && !options.home_server.empty() ? " at " + options.home_server : "");
    metadata["annotations"][labels::kMadeAs] =
        plan::ref_of_manifest(manifest).resource.plural + "/" + kube::name_of(manifest);
    if (options.lifetime) metadata["annotations"][labels::kExpires] = format_time(input.now + *options.lifetime);
}

Result<plan::Plan> make_copies(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                               const plan::Input& input, bool bound) {
    return Making(options, live, choice, input).build(bound);
}

Result<plan::Plan> plan_import(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                               const plan::Input& input) {
    return Making(options, live, choice, input).build_imports();
}

}  // namespace holdfast::clone
