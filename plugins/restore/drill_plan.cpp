#include "plugins/restore/drill_plan.h"

#include "common/copies/database.h"
#include "common/core/text.h"
#include "common/db/postgres.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/shared.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::Plan;
using plan::Step;
using plan::WaitFor;

Step make_step(std::string id, std::string title, std::string phase, plan::Action action,
               std::vector<std::string> after = {}) {
    Step step;
    step.id = std::move(id);
    step.title = std::move(title);
    step.phase = std::move(phase);
    step.action = std::move(action);
    step.after = std::move(after);
    return step;
}

kube::ObjectRef pod_ref(const DrillOptions& options, const std::string& name) {
    return {kube::kPods, options.space, name};
}

// R25: the isolation that holds everywhere is that nobody sends anything to these pods.
Status check_services(const DrillFacts& facts, const std::map<std::string, std::string>& labels) {
    for (const Json& service : facts.services) {
        if (!kube::selects(kube::service_selector_of(service), labels)) continue;
        return Error{
            ErrorKind::kRefused,
            "svc/" + kube::space_of(service) + "/" + kube::name_of(service) +
                " would send traffic to the throwaway pods: its selector matches their labels; nothing was changed",
            "change that Service's selector"};
    }
    return {};
}

std::size_t lowest_or(const std::vector<Instance>& instances, std::optional<int> ordinal, bool& found) {
    for (std::size_t i = 0; i < instances.size(); ++i) {
        if (!ordinal || instances[i].ordinal == *ordinal) {
            found = true;
            return i;
        }
    }
    found = false;
    return 0;
}

// Claims that a selector brought together may be of several workloads: which database is meant is not ours to guess.
Status check_which_is_asked(const DrillOptions& options, const DrillFacts& facts,
                            const std::vector<Instance>& instances) {
    const bool one_is_asked = options.keep_open || !options.query.empty() || !options.command.empty();
    if (!one_is_asked || instances.size() < 2 || instances.front().ordinal >= 0) return {};
    std::vector<std::string> claims, snapshots;
    for (const Instance& instance : instances) {
        const Member& member = *instance.claims.front().member;
        claims.push_back(member.facts.claim);
        snapshots.push_back("vs/" + member.facts.snapshot);
    }
    return Error{ErrorKind::kRefused,
                 facts.source.text() + " holds claims that are no ordinals of one workload, " + join(claims, ", ") +
                     ": it does not say which database is meant; nothing was changed",
                 "name one of its snapshots: " + join(snapshots, ", ")};
}

bool any_waits(const DrillScene& scene) {
    return std::any_of(scene.instances.begin(), scene.instances.end(),
                       [](const Instance& instance) { return instance.waits_for_pod; });
}

std::vector<std::string> pod_names(const DrillScene& scene) {
    std::vector<std::string> names;
    for (const Instance& instance : scene.instances) names.push_back(instance.pod);
    return names;
}

void add_pods(Plan& plan, const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
              const std::string& phase, const std::vector<std::string>& after) {
    for (const Instance& instance : scene.instances) {
        Step step = make_step(
            "create-pod-" + instance.pod, "create " + pod_ref(options, instance.pod).text(), phase,
            Create{throwaway_pod_manifest(instance, scene.engine, facts.source, options.space, options.role()), {}},
            after);
        step.reason = scene.engine.database ? "a throwaway PostgreSQL, loopback only, its own configuration"
                                            : "a container with the restored volumes, which idles";
        plan.steps.push_back(std::move(step));
    }
}

// The rounds that follow, in words, for the first plan.
void describe_later(Plan& plan, const DrillOptions& options, const DrillScene& scene) {
    plan.later.push_back("set the reclaim policy of the new volumes to Delete, so that nothing of them stays");
    plan.later.push_back(scene.engine.expected_image.empty()
                             ? "start the containers from " + scene.engine.image
                             : "start the containers, and stop if their image is not the recorded " +
                                   scene.engine.expected_image);
    if (!scene.engine.database)
        plan.later.push_back("run the command in " + scene.instances[scene.asked].text());
    else
        plan.later.push_back(
            "wait until each database accepts connections, compare version, system identifier and timeline with the "
            "record");
    if (!options.query.empty()) plan.later.push_back("run the query on " + scene.instances[scene.asked].text());
    if (options.keep_open)
        plan.later.push_back("print a local URI and keep it open until Ctrl-C");
    else
        plan.later.push_back("write the result on the set or snapshot");
    plan.later.push_back(options.cleanup ? "delete pods and claims, and wait until the volumes are gone"
                                         : "leave pods and claims there (--no-cleanup)");
}

void add_needs(Plan& plan, const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene) {
    const auto need = [&](std::initializer_list<const char*> verbs, const kube::Resource& resource,
                          const std::string& subresource = "") {
        for (const char* verb : verbs)
            plan.later_needs.push_back({verb, resource, resource.namespaced ? options.space : "", subresource, ""});
    };
    need({"create", "get", "list", "watch", "delete"}, kube::kPods);
    need({"delete", "get", "list", "watch"}, kube::kClaims);
    need({"get", "list", "watch", "patch"}, kube::kVolumes);
    need({"create"}, kube::kPods, scene.engine.database ? "portforward" : "exec");
    if (facts.policies_allowed) need({"get", "delete", "list", "watch"}, kube::kNetworkPolicies);
    if (options.keep_open) return;
    if (facts.source.is_set && facts.source.record && !facts.source.record->uid.empty())
        need({"patch"}, kube::kConfigMaps);
    else
        need({"patch"}, kube::kSnapshots);
}

plan::Sql sql_of(const DrillOptions& options, const DrillScene& scene, const Instance& instance) {
    plan::Sql sql;
    sql.space = options.space;
    sql.pod = instance.pod;
    sql.container = "database";
    sql.port = kDatabasePort;
    sql.user = options.user.empty() ? scene.engine.user : options.user;
    sql.database = options.database.empty() ? scene.engine.default_database : options.database;
    return sql;
}

void check_database(Plan& plan, const DrillOptions& options, const DrillScene& scene) {
    plan.steps.push_back(make_step("wait-ready", "wait until the databases accept connections", "recover",
                                   WaitFor{kube::kPods, options.space, pod_names(scene), Condition::kPodReady, ""}));
    std::vector<std::string> before = {"wait-ready"};
    for (std::size_t i = 0; i < scene.instances.size(); ++i) {
        plan::Sql sql = sql_of(options, scene, scene.instances[i]);
        sql.statement = db::kIdentityQuery;
        sql.output = "identity-" + std::to_string(i);
        const std::string id = sql.output;
        plan.steps.push_back(
            make_step(id, "ask " + scene.instances[i].text() + " for version, system identifier and timeline", "query",
                      std::move(sql), {"wait-ready"}));
        before.push_back(id);
    }
    if (options.query.empty()) return;
    plan::Sql sql = sql_of(options, scene, scene.instances[scene.asked]);
    sql.statement = options.query;
    sql.output = "query";
    plan.steps.push_back(
        make_step("query", "run the query on " + scene.instances[scene.asked].text(), "query", std::move(sql), before));
}

void check_by_command(Plan& plan, const DrillOptions& options, const DrillScene& scene, const Throwaways& made) {
    plan::Exec exec;
    exec.space = options.space;
    exec.pod = scene.instances[scene.asked].pod;
    exec.container = "check";
    for (const kube::PodState& pod : made.pods) {
        if (pod.name == exec.pod) exec.pod_uid = pod.uid;
    }
    exec.argv = check_words(options.command);
    exec.output = "exec";
    const std::string title = "run the command in pod/" + options.space + "/" + exec.pod;
    plan.steps.push_back(make_step("exec", title, "query", std::move(exec)));
}

}  // namespace

bool Throwaways::deleting() const {
    return std::any_of(pods.begin(), pods.end(), [](const auto& pod) { return pod.deleting; }) ||
           std::any_of(claims.begin(), claims.end(), [](const auto& claim) { return claim.deleting; });
}

Result<DrillScene> set_scene(const DrillOptions& options, const DrillFacts& facts, const std::string& operation) {
    TRY(check_complete(facts.source));
    TRY(check_services(facts, throwaway_labels(operation, options.role())));
    DrillScene scene;
    TRY_ASSIGN(scene.engine, choose_engine(facts.source, options.image, options.command.empty()));
    TRY_ASSIGN(scene.instances, instances_of(facts.source, scene.engine, operation, options.space));
    TRY(check_which_is_asked(options, facts, scene.instances));
    bool found = false;
    scene.asked = lowest_or(scene.instances, options.ordinal, found);
    if (!found) {
        std::vector<std::string> there;
        for (const Instance& instance : scene.instances) there.push_back(instance.text());
        return Error{ErrorKind::kRefused,
                     facts.source.text() + " has no ordinal " + std::to_string(*options.ordinal) + "; it has " +
                         join(there, ", ") + "; nothing was changed",
                     ""};
    }
    if (options.keep_open) {  // only the one that the user will talk to
        scene.instances = {scene.instances[scene.asked]};
        scene.asked = 0;
    }
    return scene;
}

Plan plan_restore(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
                  const std::string& operation) {
    const std::string phase = "restore volumes";
    Plan plan;
    plan.operation = operation;
    plan.last = false;
    std::vector<std::string> not_ready, claims, claim_steps;
    for (const Instance& instance : scene.instances) {
        for (const ThrowawayClaim& claim : instance.claims) {
            if (!claim.member->snapshot->ready) not_ready.push_back(claim.member->facts.snapshot);
        }
    }
    std::vector<std::string> first;
    if (!not_ready.empty()) {
        std::sort(not_ready.begin(), not_ready.end());
        not_ready.erase(std::unique(not_ready.begin(), not_ready.end()), not_ready.end());
        plan.steps.push_back(
            make_step("wait-snapshots", "wait until the snapshots can be restored", "",
                      WaitFor{kube::kSnapshots, options.space, not_ready, Condition::kSnapshotReady, ""}));
        first = {"wait-snapshots"};
    }
    if (facts.policies_allowed) {
        Step step = make_step("create-policy", "create networkpolicy/" + options.space + "/" + operation, "",
                              Create{throwaway_policy_manifest(operation, options.space, options.role()), {}}, first);
        step.reason = "denies the throwaway pods all traffic, where the network heeds it";
        plan.steps.push_back(std::move(step));
    } else {
        plan.notes.push_back(
            "no NetworkPolicy is made (not allowed here): the databases listen on loopback only and no Service selects "
            "them");
    }
    for (const Instance& instance : scene.instances) {
        for (const ThrowawayClaim& claim : instance.claims) {
            Step step =
                make_step("create-claim-" + claim.spec.name, "create pvc/" + options.space + "/" + claim.spec.name,
                          phase, Create{throwaway_claim_manifest(claim, options.role()), {"/spec/dataSource"}}, first);
            step.reason = "from " + claim.member->text() + ", " + claim.spec.size.text() + ", class " +
                          claim.spec.storage_class.name;
            claims.push_back(claim.spec.name);
            claim_steps.push_back(step.id);
            plan.steps.push_back(std::move(step));
        }
    }
    if (any_waits(scene)) {
        add_pods(plan, options, facts, scene, phase, claim_steps);
        for (const Instance& instance : scene.instances) claim_steps.push_back("create-pod-" + instance.pod);
    }
    plan.steps.push_back(make_step("wait-bound", "wait until the claims are Bound", phase,
                                   WaitFor{kube::kClaims, options.space, claims, Condition::kClaimBound, ""},
                                   claim_steps));
    if (facts.source.record && facts.source.is_set)
        plan.notes.push_back("consistency of the set: " + facts.source.record->consistency);
    plan.notes.push_back("the live workload is not touched");
    describe_later(plan, options, scene);
    add_needs(plan, options, facts, scene);
    return plan;
}

Plan plan_start(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene, const Throwaways& made,
                const std::string& operation) {
    Plan plan;
    plan.operation = operation;
    plan.last = false;
    for (const kube::Volume& volume : made.volumes) {
        if (volume.reclaim_policy == "Delete") continue;
        Patch patch;
        patch.ref = {kube::kVolumes, "", volume.name};
        patch.body = {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}};
        patch.preconditions = {volume.uid, ""};
        Step step = make_step("delete-later-" + volume.name,
                              "set the reclaim policy of pv/" + volume.name + " to Delete", "", std::move(patch));
        step.reason = "a throwaway volume must not stay when its claim goes";
        plan.steps.push_back(std::move(step));
    }
    std::vector<std::string> after;
    if (!any_waits(scene)) {
        add_pods(plan, options, facts, scene, "start", {});
        for (const Instance& instance : scene.instances) after.push_back("create-pod-" + instance.pod);
    }
    plan.steps.push_back(make_step("wait-running", "wait until the containers run", "start",
                                   WaitFor{kube::kPods, options.space, pod_names(scene), Condition::kPodRunning, ""},
                                   after));
    return plan;
}

Result<Plan> plan_check(const DrillOptions& options, const DrillScene& scene, const Throwaways& made) {
    for (const kube::PodState& pod : made.pods) {
        for (const kube::ContainerState& container : pod.containers) {
            if (scene.engine.expected_image.empty() || !options.image.empty() || container.image_id.empty()) continue;
            if (same_image(container.image_id, scene.engine.expected_image)) continue;
            return Error{ErrorKind::kUnavailable,
                         "pod/" + pod.space + "/" + pod.name + " was started from image " + container.image_id +
                             ", and the set recorded " + scene.engine.expected_image + ": its tag " +
                             scene.engine.image + " has moved; the data was not judged",
                         "name the right image with --image"};
        }
    }
    Plan plan;
    plan.last = false;
    if (scene.engine.database)
        check_database(plan, options, scene);
    else
        check_by_command(plan, options, scene, made);
    return plan;
}

namespace {

// All are told to go at once, then one wait watches them: a drill of ten ordinals is no ten waits.
class Teardown {
  public:
    Teardown(const DrillOptions& options, const Throwaways& made) : options_(options), made_(made) {}

    std::vector<Step> steps() {
        keep_no_volume();
        for (const kube::PodState& pod : made_.pods) remove(kube::kPods, pod.name, pod.uid);
        await("pods", kube::kPods);
        for (const kube::Claim& claim : made_.claims) remove(kube::kClaims, claim.name, claim.uid);
        await("claims", kube::kClaims);
        for (const kube::Volume& volume : made_.volumes) names_.push_back(volume.name);
        await("volumes", kube::kVolumes);
        if (!made_.policy_uid.empty()) remove(kube::kNetworkPolicies, made_.policy, made_.policy_uid);
        return std::move(steps_);
    }

  private:
    // Before anything goes: a volume whose claim goes first would stay behind under Retain.
    void keep_no_volume() {
        for (const kube::Volume& volume : made_.volumes) {
            if (volume.reclaim_policy == "Delete" || volume.deleting) continue;
            Patch patch{{kube::kVolumes, "", volume.name},
                        kube::PatchType::kMerge,
                        {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}},
                        {volume.uid, ""},
                        ""};
            push("reclaim-" + volume.name, "set the reclaim policy of pv/" + volume.name + " to Delete",
                 std::move(patch));
        }
        next();
    }

    void remove(const kube::Resource& resource, const std::string& name, const std::string& uid) {
        Delete action;
        action.ref = {resource, options_.space, name};
        action.preconditions.uid = uid;
        action.wait = false;
        const std::string what = action.ref.text();
        push("delete-" + resource.short_name + "-" + name, "delete " + what, std::move(action));
        names_.push_back(name);
    }

    void await(const std::string& what, const kube::Resource& resource) {
        next();
        if (!names_.empty())
            push("wait-" + what + "-gone", "wait until the throwaway " + what + " are gone",
                 WaitFor{resource, resource.namespaced ? options_.space : "", names_, Condition::kGone, ""});
        names_.clear();
        next();
    }

    void push(const std::string& id, const std::string& title, plan::Action action) {
        steps_.push_back(make_step(id, title, "", std::move(action), after_));
        current_.push_back(id);
    }
    void next() {
        if (!current_.empty()) after_ = std::move(current_);
        current_.clear();
    }

    const DrillOptions& options_;
    const Throwaways& made_;
    std::vector<Step> steps_;
    std::vector<std::string> after_, current_, names_;
};

}  // namespace

std::vector<Step> plan_teardown(const DrillOptions& options, const Throwaways& made) {
    return Teardown(options, made).steps();
}

}  // namespace holdfast::restore
