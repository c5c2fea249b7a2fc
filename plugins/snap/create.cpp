// kubectl snap create: the operation, and its entry of the table.
#include "plugins/snap/commands.h"

#include "common/app/context.h"
#include "common/copies/live_facts.h"
#include "common/copies/live_pods.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/sets.h"
#include "common/plan/operation.h"
#include "plugins/snap/create_options.h"
#include "plugins/snap/create_plan.h"
#include "plugins/snap/set_view.h"
#include "plugins/snap/shared.h"

#include <utility>

namespace holdfast::snap {
namespace {

class CreateOperation : public plan::Operation {
  public:
    CreateOperation(CreateOptions options, std::string space)
        : options_(std::move(options)), space_(std::move(space)) {}

    std::string kind() const override { return "snap"; }
    std::string target() const override { return options_.targets.empty() ? "claims" : options_.targets.front().name; }
    std::string space() const override { return space_; }
    kube::ObjectRef event_target() const override {
        if (options_.targets.empty()) return {};
        return {*options_.targets.front().resource, space_, options_.targets.front().name};
    }

    // A set that is cut while volumes are swapped would be of both.
    Result<std::vector<kube::ObjectRef>> heed_targets(kube::ClusterReader& reader) override {
        std::vector<kube::ObjectRef> targets;
        for (const Target& one : options_.targets) targets.push_back({*one.resource, space_, one.name});
        for (const std::string& claim : options_.claims) targets.push_back({kube::kClaims, space_, claim});
        if (options_.selector.empty()) return targets;
        TRY_ASSIGN(const kube::List selected, reader.list(kube::kClaims, space_, {options_.selector, ""}));
        for (const Json& claim : selected.items) targets.push_back({kube::kClaims, space_, kube::name_of(claim)});
        return targets;
    }

    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override {
        if (input.round == 0) {
            TRY_ASSIGN(const LiveFacts facts, gather_live(reader, space_, options_, set_name(options_, input.now)));
            TRY_ASSIGN(cut_, plan_cut(facts, options_, input));
            return cut_.plan;
        }
        TRY_ASSIGN(const CutFacts facts, gather_cut(reader, input));
        const auto said = input.progress.outputs.find(kAppOutput);
        const kube::AppFacts app = said == input.progress.outputs.end() ? kube::AppFacts{} : parse_app(said->second);
        TRY_ASSIGN(const std::string consistency, proven_consistency(reader));
        return plan_complete(facts, cut_.set, options_, consistency, app);
    }

    // A --pre that failed has stopped us before any snapshot was made, and its --post has run: what is left is the
    // empty set. A command that failed later leaves snapshots, and perhaps a workload that is still held back.
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override {
        plan::Plan plan;
        if (error.kind != ErrorKind::kFailed || input.round != 0) return plan;
        kube::ListOptions own;
        own.label_selector = std::string(labels::kOperation) + "=" + input.operation;
        TRY_ASSIGN(const kube::List snapshots, reader.list(kube::kSnapshots, space_, own));
        const kube::ObjectRef set{kube::kConfigMaps, space_, kube::set_config_map_name(cut_.set.name)};
        TRY_ASSIGN(const auto object, reader.find(set));
        if (!snapshots.items.empty()) {
            plan.instead = error;
            plan.instead->kind = ErrorKind::kUnavailable;  // part-way: exit 5
            plan.instead->message += "; the snapshots that were made are kept, the set is incomplete";
            plan.instead->hint =
                options_.post.empty()
                    ? error.hint
                    : "resume runs --post again; if writes are still held back, let them go by hand: " + options_.post;
        } else {
            plan.instead = error;
            plan.instead->message =
                "the command failed before the cut: " + error.message + "; no snapshot was made and no set is left";
            if (object) plan.steps.push_back(drop(set, kube::uid_of(*object)));
        }
        return plan;
    }

    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input&) override {
        const std::string what = "set/" + space_ + "/" + cut_.set.name;
        TRY_ASSIGN(kube::SnapshotSet set, kube::read_set(reader, space_, cut_.set.name));
        if (!set.complete || set.operation != cut_.set.operation)
            return Error{ErrorKind::kConflict, what + " was changed by someone else since it was made",
                         "see: kubectl snap describe " + cut_.set.name};
        TRY_ASSIGN(const SetState state, read_state(reader, std::move(set)));
        for (std::size_t i = 0; i < state.snapshots.size(); ++i) {
            if (!state.snapshots[i] || !kube::is_cut(*state.snapshots[i]))
                return Error{ErrorKind::kConflict, "vs/" + space_ + "/" + state.set.members[i].snapshot +
                                                       " is gone: " + what + " cannot be restored"};
        }
        if (options_.wait_ready && !state.not_ready.empty())
            return Error{ErrorKind::kUnavailable, join(state.not_ready, ", ") + " was ready and is not any more",
                         "see: kubectl snap describe " + cut_.set.name};
        return told(state);
    }

  private:
    Result<std::string> proven_consistency(kube::ClusterReader& reader) {
        if (!cut_.fresh) return std::string("none");
        if (options_.quiesced()) return std::string("quiesced");
        TRY_ASSIGN(const bool stopped, stopped_still(reader, space_, cut_.stopped, cut_.set.members));
        return std::string(stopped ? "stopped" : "none");
    }

    static plan::Step drop(const kube::ObjectRef& set, const std::string& uid) {
        plan::Step step;
        step.id = "drop-set";
        step.title = "delete " + set.text();
        step.reason = "nothing was cut";
        step.action = plan::Delete{set, {uid, ""}, kube::Propagation::kBackground, true};
        return step;
    }

    static plan::Report told(const SetState& state) {
        const kube::SnapshotSet& set = state.set;
        plan::Report report;
        report.text = "set/" + set.name + " created (" + std::to_string(set.members.size()) +
                      (set.members.size() == 1 ? " snapshot" : " snapshots") + ", consistency " + set.consistency;
        if (set.members.size() > 1)
            report.text += ", cut within " + human_elapsed(static_cast<double>(set.skew_ms) / 1000);
        report.text += ")\n";
        if (!state.not_ready.empty())
            report.text += "not ready yet: " + some_of(state.not_ready) + ": cut, but the storage still works on " +
                           (state.not_ready.size() == 1 ? "it" : "them") + "; `kubectl snap list` shows when\n";
        report.json = state_json(state);
        report.names.push_back("set/" + set.name);
        return report;
    }

    Result<CutFacts> gather_cut(kube::ClusterReader& reader, const plan::Input& input) {
        CutFacts facts;
        facts.volume_handles = cut_.volume_handles;
        TRY_ASSIGN(facts.set_object, reader.get({kube::kConfigMaps, space_, kube::set_config_map_name(cut_.set.name)}));
        if (kube::label_of(facts.set_object, labels::kOperation) != input.operation)
            return Error{ErrorKind::kConflict,
                         "set/" + space_ + "/" + cut_.set.name + " was replaced by another operation's"};
        TRY_ASSIGN(facts.snapshots, kube::read_members(reader, cut_.set));
        std::vector<kube::ObjectRef> refs;
        std::vector<std::size_t> of;
        facts.contents.resize(facts.snapshots.size());
        for (std::size_t i = 0; i < facts.snapshots.size(); ++i) {
            const std::string content = facts.snapshots[i] ? kube::snapshot_of(*facts.snapshots[i]).content : "";
            if (content.empty()) continue;
            refs.push_back({kube::kSnapshotContents, "", content});
            of.push_back(i);
        }
        const std::vector<Result<Json>> contents = reader.get_all(refs);
        for (std::size_t k = 0; k < contents.size(); ++k) {
            if (contents[k].ok())
                facts.contents[of[k]] = kube::content_of(*contents[k]);
            else if (contents[k].error().kind != ErrorKind::kNotFound)
                return contents[k].error();
        }
        return facts;
    }

    CreateOptions options_;
    std::string space_;
    CutPlan cut_;
};

Result<std::unique_ptr<plan::Operation>> make_create(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(CreateOptions options, parse_create(arguments, context.flags().timeout));
    TRY_ASSIGN(std::string space, context.space());
    return std::unique_ptr<plan::Operation>(std::make_unique<CreateOperation>(std::move(options), std::move(space)));
}

std::vector<app::Option> create_options() {
    return {
        text_option("name", "NAME", "name of the set; default: the workload's name and the time"),
        short_named(text_option("selector", "SELECTOR", "take the claims that this label selector chooses"), 'l'),
        list_option("claim", "CLAIM", "take this claim too, which the pod template mounts by name; may be repeated"),
        text_option("snapshot-class", "CLASS", "VolumeSnapshotClass; default: the default class of the volume's driver",
                    app::Completes::kSnapshotClass),
        choice_option("quiesce", {"none", "exec"}, "none",
                      "how writes are held back during the cut; exec: by --pre and --post, or --hold"),
        text_option("pre", "COMMAND", "run by sh -c in each pod before the cut"),
        text_option("post", "COMMAND", "run by sh -c in each pod after the cut, also if anything failed"),
        text_option(
            "hold", "COMMAND",
            "run by sh -c in each pod and kept open during the cut: it is up when it prints a line (without one "
            "nothing is cut), and must end when its standard input closes"),
        text_option(
            "container", "NAME",
            "container in which commands run; default: the pod's default container, else the first with the data"),
        choice_option("wait", {"cut", "ready"}, "cut",
                      "when to return: as soon as the moment is fixed, or when it can be restored"),
        list_option("label", "KEY=VALUE", "label for the set and its snapshots; may be repeated"),
        choice_option(
            "app", {"auto", "none"}, "auto",
            "whether a database in the pods is asked for its version and identity, to be compared at a restore"),
    };
}

}  // namespace

app::Command create_command() {
    app::Command command;
    command.name = "create";
    command.summary = "Snapshot the claims of workloads as one set";
    command.description =
        "Makes one VolumeSnapshot for each claim, of the class that fits the volume's own driver. The set is complete "
        "once\n"
        "all are cut, and can be restored once all are ready. `kubectl snap TYPE/NAME` is short for it.\n"
        "A StatefulSet means the claims of its volumeClaimTemplates, every ordinal; a Deployment or pod what it "
        "mounts.";
    command.usage = "TYPE/NAME... [flags]";
    command.examples = {
        {"Snapshot every claim of a StatefulSet, under a name",
         "kubectl snap create sts/postgres --name before-migration"},
        {"Wait until it can be restored", "kubectl snap create sts/postgres --wait ready"},
        {"Hold writes back while the volumes of a database are cut",
         "kubectl snap create sts/mysql --hold \"(echo 'FLUSH TABLES WITH READ LOCK; SELECT 1;'; cat) | mysql "
         "--unbuffered\""},
        {"Freeze a filesystem, and thaw it in any case",
         "kubectl snap create deploy/files --pre 'fsfreeze --freeze /data' --post 'fsfreeze --unfreeze /data'"},
        {"Claims by label, only printing what would be done", "kubectl snap create -l app=shop --name shop --dry-run"}};
    command.positionals_max = 64;
    command.completes = {app::Completes::kWorkload};
    command.options = create_options();
    const std::string commands = "--pre, --post, --hold, --app=auto";
    const std::string kWhileLocked = "a pvc/NAME while something in its namespace is being restored in place";
    command.rules = {rule({"get"}, kube::kNamespaces),
                     rule({"get"}, kube::kStatefulSets, "sts/NAME"),
                     rule({"get"}, kube::kDeployments, "deploy/NAME"),
                     rule({"get"}, kube::kPods, "pod/NAME, " + commands),
                     rule({"list"}, kube::kPods),
                     rule({"get"}, kube::kClaims, "pvc/NAME"),
                     rule({"list"}, kube::kClaims),
                     rule({"list"}, kube::kLeases),
                     rule({"list"}, kube::kStatefulSets, kWhileLocked),
                     rule({"list"}, kube::kDeployments, kWhileLocked),
                     rule({"get"}, kube::kReplicaSets, kWhileLocked),
                     rule({"get", "list", "watch", "create"}, kube::kSnapshots),
                     rule({"get", "create", "patch"}, kube::kConfigMaps),
                     cluster_rule({"get"}, kube::kVolumes),
                     cluster_rule({"list"}, kube::kSnapshotClasses),
                     cluster_rule({"get"}, kube::kSnapshotContents)};
    app::Rule exec = rule({"create"}, kube::kPods, commands);
    exec.subresource = "exec";
    command.rules.push_back(exec);
    command.rules.push_back(rule({"patch"}, kube::kSnapshots, commands));
    command.rules.push_back(rule({"delete"}, kube::kConfigMaps, "--pre, --post, --hold"));
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = make_create;
    return command;
}

}  // namespace holdfast::snap
