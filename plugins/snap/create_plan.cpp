#include "plugins/snap/create_plan.h"

#include "common/copies/live_members.h"
#include "common/copies/live_pods.h"
#include "common/copies/workload_claims.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/redact.h"
#include "common/kube/objects/workload.h"
#include "plugins/snap/create_quota.h"
#include "plugins/snap/shared.h"

#include <algorithm>
#include <set>

namespace holdfast::snap {
namespace {

constexpr std::size_t kRecordLimit = 1000000;  // a ConfigMap holds 1 MiB

kube::SnapshotSet set_before_cut(const LiveFacts& facts, const CreateOptions& options, const plan::Input& input,
                                 std::vector<kube::SetMember> members) {
    kube::SnapshotSet set;
    set.name = set_name(options, input.now);
    set.space = facts.space;
    set.created_at = format_time(input.now);
    set.target = target_text(options);
    set.operation = input.operation;
    set.members = std::move(members);
    set.containers = containers_of(facts, options, set.members);
    set.user_labels = Json::object();
    for (const auto& [key, value] : options.labels) set.user_labels[key] = value;
    for (std::size_t i = 0; i < options.targets.size(); ++i) {
        const kube::Resource& kind = *options.targets[i].resource;
        if (kind == kube::kClaims || !set.workload_name.empty()) continue;
        set.workload_kind = kind.kind;
        set.workload_name = options.targets[i].name;
        set.workload_uid = kube::uid_of(facts.workloads[i]);
        set.replicas = kind == kube::kPods ? 1 : kube::replicas_of(facts.workloads[i]);
        set.workload_manifest = kube::manifest_to_keep(facts.workloads[i]);
    }
    return set;
}

Status check_names(const LiveFacts& facts, const kube::SnapshotSet& set, const std::string& operation) {
    if (facts.set_object && kube::label_of(*facts.set_object, labels::kOperation) != operation) {
        const std::string what = "set/" + facts.space + "/" + set.name;
        const Result<kube::SnapshotSet> there = kube::set_from_config_map(*facts.set_object);
        const std::string maker = kube::label_of(*facts.set_object, labels::kOperation);
        if (!there.ok() || maker.empty())
            return Error{ErrorKind::kLocked,
                         "the name is taken by configmap/" + facts.space + "/" + kube::name_of(*facts.set_object) +
                             ", which is no set that Holdfast made; nothing was changed",
                         "choose another name with --name"};
        if (there->complete)
            return refused(what + " exists already, made " + there->created_at + " of " + escape_line(there->target),
                           "see it with `kubectl snap describe " + set.name +
                               "`, or remove it with `kubectl snap delete " + set.name + "`");
        return Error{ErrorKind::kLocked,
                     what + " is being made by operation " + escape_line(maker) + "; nothing was changed",
                     "look at it with `kubectl snap status " + escape_line(maker) +
                         "`; if that is gone, `kubectl snap delete " + set.name + "`"};
    }
    for (const Json& snapshot : facts.snapshots) {
        const std::string maker = kube::label_of(snapshot, labels::kOperation);
        if (maker == operation) continue;
        return Error{ErrorKind::kLocked,
                     "the name is taken: vs/" + facts.space + "/" + kube::name_of(snapshot) +
                         " exists and was made by " +
                         (maker.empty() ? "someone else" : "operation " + escape_line(maker)) + "; nothing was changed",
                     "choose another name with --name"};
    }
    return {};
}

Json snapshot_manifest(const kube::SnapshotSet& set, const kube::SetMember& member) {
    Json labels = set.user_labels;
    labels[labels::kManagedBy] = labels::kManagedByValue;
    labels[labels::kSet] = set.name;
    Json annotations = {{labels::kClaim, member.claim}};
    if (member.ordinal >= 0) annotations[labels::kOrdinal] = std::to_string(member.ordinal);
    if (!set.workload_kind.empty()) annotations[labels::kWorkload] = set.workload_kind + "/" + set.workload_name;
    annotations[labels::kRecord] =
        kube::member_record(set, member).dump(-1, ' ', false, Json::error_handler_t::replace);
    annotations[labels::kSetSummary] = kube::set_summary(set, false).dump();
    return {{"apiVersion", kube::kSnapshots.api_version()},
            {"kind", kube::kSnapshots.kind},
            {"metadata",
             {{"name", member.snapshot}, {"namespace", set.space}, {"labels", labels}, {"annotations", annotations}}},
            {"spec",
             {{"source", {{"persistentVolumeClaimName", member.claim}}},
              {"volumeSnapshotClassName", member.snapshot_class}}}};
}

plan::Exec exec_in(const std::string& space, const Place& place, std::vector<std::string> argv) {
    plan::Exec exec;
    exec.space = space;
    exec.pod = place.pod;
    exec.pod_uid = place.pod_uid;
    exec.container = place.container;
    exec.argv = std::move(argv);
    return exec;
}

// Builds the steps of round 0. Each method adds steps and remembers what the next ones have to wait for.
class CutSteps {
  public:
    CutSteps(plan::Plan& plan, const kube::SnapshotSet& set, const CreateOptions& options)
        : plan_(plan), set_(set), options_(options) {}

    void create_set() {
        plan::Step step =
            make("create-set", "create configmap/" + set_.space + "/" + kube::set_config_map_name(set_.name),
                 "the set, marked incomplete until every member is cut");
        step.action = plan::Create{kube::set_to_config_map(set_), {}};
        add(std::move(step));
        ready_ = {"create-set"};
    }

    void ask_database(const Place& place) {
        plan::Step step = make(
            "app-facts", "ask the database in pod/" + set_.space + "/" + place.pod + " for its version and identity",
            "a restore compares them with what it finds");
        plan::Exec exec = exec_in(set_.space, place, app_command(place));
        exec.output = kAppOutput;
        step.action = std::move(exec);
        step.after = ready_;
        step.optional = true;
        step.limit = std::chrono::seconds(30);
        add(std::move(step));
        ready_ = {"app-facts"};
    }

    // --pre and --hold of every pod, one after the other, before anything is cut.
    void hold_back(const std::vector<Place>& places) {
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (!options_.pre.empty()) add_hook("pre-" + std::to_string(i), "--pre", options_.pre, places[i]);
        }
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (!options_.hold.empty()) add_hook("hold-" + std::to_string(i), "--hold", options_.hold, places[i]);
        }
    }

    void cut() {
        std::vector<std::string> made;
        for (std::size_t i = 0; i < set_.members.size(); ++i) {
            const kube::SetMember& member = set_.members[i];
            plan::Step step = make("create-vs-" + std::to_string(i), "create vs/" + set_.space + "/" + member.snapshot,
                                   "snapshot of pvc/" + member.claim + " with class " + member.snapshot_class);
            step.action =
                plan::Create{snapshot_manifest(set_, member), {"/spec/source", "/spec/volumeSnapshotClassName"}};
            step.after = ready_;
            step.phase = "cut";
            made.push_back(step.id);
            add(std::move(step));
        }
        plan::Step wait = make("cut", "wait until " + all_snapshots_are(set_.members.size()) + " cut",
                               "from then on writes to the volumes are not in them");
        plan::WaitFor condition{kube::kSnapshots,
                                set_.space,
                                {},
                                plan::Condition::kSnapshotCut,
                                std::string(labels::kSet) + "=" + set_.name};
        for (const kube::SetMember& member : set_.members) condition.names.push_back(member.snapshot);
        wait.action = std::move(condition);
        wait.after = std::move(made);
        wait.phase = "cut";
        // Writes are held back meanwhile: rather no set than a database that stands still.
        if (options_.quiesced()) wait.limit = options_.quiesce_limit;
        add(std::move(wait));
    }

    // In reverse order, and whatever has happened in between: what was held back must be let go. `held`: their --pre
    // and
    // --hold are steps of this plan; else an earlier run had them, and it is not known whether it came to let go.
    void let_go(const std::vector<Place>& places, bool held) {
        for (std::size_t i = places.size(); held && i-- > 0;) {
            const std::string id = std::to_string(i);
            if (options_.hold.empty()) continue;
            plan::Step step =
                make("release-" + id, "end --hold in pod/" + set_.space + "/" + places[i].pod, "the snapshots are cut");
            plan::Exec exec = exec_in(set_.space, places[i], {});
            exec.release_of = "hold-" + id;
            step.action = std::move(exec);
            step.after = {"cut", "hold-" + id};
            step.always = true;
            add(std::move(step));
        }
        for (std::size_t i = places.size(); i-- > 0;) {
            if (options_.post.empty()) continue;
            const std::string id = std::to_string(i);
            plan::Step step =
                make("post-" + id, title_of("--post", places[i]), "lets go what --pre held back, whatever happened");
            step.action = exec_in(set_.space, places[i], {"sh", "-c", options_.post});
            step.after = held ? std::vector<std::string>{"cut", "pre-" + id} : std::vector<std::string>{"cut"};
            if (held && !options_.hold.empty()) step.after.push_back("release-" + id);
            step.always = true;
            add(std::move(step));
        }
    }

  private:
    static plan::Step make(std::string id, std::string title, std::string reason) {
        plan::Step step;
        step.id = std::move(id);
        step.title = std::move(title);
        step.reason = std::move(reason);
        return step;
    }
    void add(plan::Step step) { plan_.steps.push_back(std::move(step)); }

    std::string title_of(const std::string& flag, const Place& place) const {
        return "run " + flag + " in pod/" + set_.space + "/" + place.pod + ", container " + place.container;
    }

    void add_hook(const std::string& id, const std::string& flag, const std::string& command, const Place& place) {
        plan::Step step =
            make(id, title_of(flag, place), flag == "--pre" ? "before the cut" : "kept open during the cut");
        plan::Exec exec = exec_in(set_.space, place, {"sh", "-c", command});
        exec.hold = flag == "--hold";
        exec.hold_grace = options_.quiesce_limit;
        step.action = std::move(exec);
        step.after = ready_;
        step.risk = plan::Risk::kStopsWrites;
        step.risk_text = "runs your command; may stop writes until the cut";
        ready_ = {id};
        add(std::move(step));
    }

    plan::Plan& plan_;
    const kube::SnapshotSet& set_;
    const CreateOptions& options_;
    std::vector<std::string> ready_;  // ids after which the next may start
};

void add_consistency_note(plan::Plan& plan, const CreateOptions& options, const CutPlan& cut) {
    const std::size_t members = cut.set.members.size();
    if (options.quiesced()) {
        plan.notes.push_back(
            "consistency: quiesced, if the commands hold writes back; if the cut makes no progress for " +
            human_elapsed(static_cast<double>(options.quiesce_limit.count()) / 1000) +
            " it is given up and they let go");
        return;
    }
    if (!cut.stopped.empty()) {
        plan.notes.push_back(
            "consistency: stopped, if nothing is started meanwhile: 0 replicas, no pod uses the claims; it is no "
            "backup, for it lies on the same storage as its volumes");
        return;
    }
    if (members == 1) {
        plan.notes.push_back(
            "consistency: the snapshot is crash-consistent, like a disk after a power cut; it is no backup, for it "
            "lies on the same storage as its volume");
        return;
    }
    plan.notes.push_back("consistency: none: each snapshot is crash-consistent, but the " + std::to_string(members) +
                         " are cut one after the other; --pre and --post, or --hold, hold writes back meanwhile. "
                         "It is no backup, for it lies on the same storage as its volumes");
}

void add_later(plan::Plan& plan, const kube::SnapshotSet& set, const CreateOptions& options) {
    plan.later.push_back("the set becomes complete once every snapshot is cut and bound, with the times of the cuts");
    if (options.wait_ready) plan.later.push_back("then waits until every snapshot is ready to be restored");
    plan.later_needs.push_back({"get", kube::kSnapshotContents, "", "", ""});
    plan.later_needs.push_back({"patch", kube::kConfigMaps, set.space, "", ""});
    plan.later_needs.push_back({"get", kube::kSnapshots, set.space, "", ""});
    const bool annotates = std::any_of(plan.steps.begin(), plan.steps.end(), [](const plan::Step& step) {
        return std::holds_alternative<plan::Exec>(step.action);
    });
    if (annotates) plan.later_needs.push_back({"patch", kube::kSnapshots, set.space, "", ""});
    if (options.quiesced()) plan.later_needs.push_back({"delete", kube::kConfigMaps, set.space, "", ""});
    plan.last = false;
}

struct Earlier {
    bool any = false;      // snapshots of this very operation are there
    bool all_cut = false;  // all of them, and all cut: nothing is left to hold back
};

Earlier look_back(const LiveFacts& facts, const kube::SnapshotSet& set) {
    std::set<std::string> cut;
    for (const Json& snapshot : facts.snapshots) {
        if (kube::is_cut(kube::snapshot_of(snapshot))) cut.insert(kube::name_of(snapshot));
    }
    Earlier earlier{!facts.snapshots.empty(), true};
    for (const kube::SetMember& member : set.members)
        earlier.all_cut = earlier.all_cut && cut.contains(member.snapshot);
    return earlier;
}

Status check_facts(const LiveFacts& facts) {
    if (!facts.has_snapshot_api) {
        return refused("the cluster has no snapshot API (snapshot.storage.k8s.io/v1 volumesnapshots)",
                       "install the CRDs and the snapshot-controller of kubernetes-csi/external-snapshotter; many "
                       "clouds have an add-on for it");
    }
    if (facts.space_terminating)
        return refused("namespace " + facts.space + " is terminating: nothing can be created in it",
                       "its snapshots go with it, unless their contents are Retain");
    return {};
}

}  // namespace

std::string all_snapshots_are(std::size_t count) {
    return count == 1 ? "the snapshot is" : "the " + std::to_string(count) + " snapshots are";
}

Result<CutPlan> plan_cut(const LiveFacts& facts, const CreateOptions& options, const plan::Input& input) {
    TRY(check_facts(facts));
    TRY_ASSIGN(Members chosen, choose_members(facts, options, set_name(options, input.now)));
    CutPlan result;
    result.set = set_before_cut(facts, options, input, std::move(chosen.members));
    const kube::SnapshotSet& set = result.set;
    for (const kube::SetMember& member : set.members)
        result.volume_handles.push_back(kube::volume_source_of(facts.volumes.at(member.volume)).handle);
    TRY(check_names(facts, set, input.operation));
    if (kube::set_record(set).size() > kRecordLimit)
        return refused(
            "a set of " + std::to_string(set.members.size()) + " claims is too large to be recorded in one ConfigMap",
            "make several sets, with a narrower --selector");
    TRY(check_quotas(facts, set));
    const Earlier earlier = look_back(facts, set);
    result.fresh = !earlier.any;
    if (result.fresh) result.stopped = stopped_before(facts, options);

    plan::Plan& plan = result.plan;
    plan.operation = input.operation;
    plan.notes = std::move(chosen.notes);
    CutSteps steps(plan, set, options);
    steps.create_set();
    const std::optional<Place> database = options.app_facts ? database_place(facts, set.members) : std::nullopt;
    if (database && facts.may_exec) steps.ask_database(*database);
    if (database && !facts.may_exec)
        plan.notes.push_back(
            "the database's version and identity are not recorded: pods/exec is not allowed; a restore cannot compare "
            "them");
    std::vector<Place> places;
    if (options.quiesced()) {
        TRY_ASSIGN(places, hook_places(facts, options, set.members));
    }
    // On a resume after the cut there is nothing left to hold back, but perhaps still something to let go.
    const bool holds = options.quiesced() && !earlier.all_cut;
    if (holds) steps.hold_back(places);
    steps.cut();
    steps.let_go(places, holds);
    if (earlier.any && options.quiesced()) {
        plan.notes.push_back(
            "an earlier run had begun the cut: consistency is recorded as none, since it is not known what the "
            "commands held "
            "back then");
    } else {
        add_consistency_note(plan, options, result);
    }
    add_later(plan, set, options);
    return result;
}

}  // namespace holdfast::snap
