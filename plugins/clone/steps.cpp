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

using plan::Condition;
using plan::Create;
using plan::Step;
using plan::WaitFor;

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
          const std::string& space, kube::Site site = kube::Site::kHere) {
    for (const char* verb : verbs)
        plan.later_needs.push_back({verb, resource, resource.namespaced ? space : "", "", "", site});
}

// What the second round will need: asked for before the first write.
void add_later(const CloneOptions& options, const Choice& choice, plan::Plan& plan) {
    if (options.other)
        plan.later.push_back("make the same snapshots known" + where(options) +
                             ", under policy Retain: only this cluster deletes them; refuse unless the storage there "
                             "has them with the same time and size");
    plan.later.push_back("make " + std::to_string(choice.copies.size()) +
                         (choice.copies.size() == 1 ? " claim" : " claims") + " in namespace " + options.to_space +
                         where(options) + " from the snapshots, at least as large as these say");
    plan.later.push_back("delete the snapshots once every claim is bound");
    const kube::Site site = site_of(options);
    need(plan, {"get", "create", "list", "watch", "delete"}, kube::kClaims, options.to_space, site);
    need(plan, {"get", "list", "watch", "delete"}, kube::kSnapshots, options.space);
    need(plan, {"get", "patch"}, kube::kSnapshotContents, "");
    need(plan, {"get", "list"}, kube::kVolumes, "", site);
    if (options.elsewhere()) {
        need(plan, {"create", "get", "list", "watch", "delete"}, kube::kSnapshots, options.to_space, site);
        need(plan, {"create", "get", "list", "watch", "delete"}, kube::kSnapshotContents, "", site);
    }
    if (choice.waits_for_pod())
        need(plan, {"create", "get", "list", "watch", "delete"}, kube::kPods, options.to_space, site);
}

}  // namespace

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
    TRY_ASSIGN(plan::Plan plan, make_copies(options, live, choice, input, bound));
    plan.operation = input.operation;
    if (input.round == 0) {
        plan.notes = choice.notes;
        note_consistency(choice, plan);
        plan.notes.push_back(kOnlyRead);
        if (choice.method == Method::kClone)
            plan.notes.push_back(
                "the CSI provisioner, not Holdfast, puts a finalizer of its own on a claim that the driver clones");
        // A recovery removes an empty one.
        need(plan, {"get", "delete"}, kube::kClaims, options.to_space, site_of(options));
        need(plan, {"get", "list"}, kube::kVolumes, "", site_of(options));
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
        plan.steps.push_back(in_place(options, plan::make_step(made.back(), "create " + ref.text(),
                                                               "the clone's pods need it", Create{object, {}}, after)));
    }
    const kube::ObjectRef ref = plan::ref_of_manifest(workload.manifest);
    const auto put = [&](Step step) { plan.steps.push_back(in_place(options, std::move(step))); };
    put(plan::make_step("create-workload", "create " + ref.text(),
                        "like " + options.source_ref().text() + ", on the clone's claims",
                        Create{workload.manifest, {"/spec/selector"}}, made));
    put(plan::make_step("wait-workload", "wait until every pod of " + ref.text() + " is ready", "",
                        WaitFor{ref.resource, ref.space, {ref.name}, Condition::kAllReady, ""}, {"create-workload"}));
    plan.last = true;
    return plan;
}

void foretell_workload(const CloneOptions& options, const Choice& choice, const Workload& workload, plan::Plan& plan) {
    const kube::ObjectRef ref = plan::ref_of_manifest(workload.manifest);
    for (const std::string& note : workload.notes) plan.notes.push_back(note);
    for (const Json& object : workload.before) {
        const kube::ObjectRef before = plan::ref_of_manifest(object);
        plan.later.push_back("create " + before.text() + where(options));
        need(plan, {"create"}, before.resource, options.to_space, site_of(options));
        plan.later_needs.push_back({"get", before.resource, options.to_space, "",
                                    before.resource == kube::kSecrets ? before.name : "", site_of(options)});
    }
    std::string pods = " and wait until it is ready";
    if (choice.replicas > 0)
        pods = " with ordinals " + std::to_string(choice.start) + " to " +
               std::to_string(choice.start + choice.replicas - 1) + pods;
    plan.later.push_back("create " + ref.text() + where(options) + pods);
    need(plan, {"get", "create", "list", "watch"}, ref.resource, options.to_space, site_of(options));
}

}  // namespace holdfast::clone
