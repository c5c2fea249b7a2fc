#include "plugins/pvc-expand/plugin.h"

#include "common/kube/adopting.h"
#include "plugins/pvc-expand/expand.h"
#include "plugins/pvc-expand/options.h"
#include "plugins/pvc-expand/recover.h"
#include "plugins/pvc-expand/traces.h"
#include "plugins/pvc-expand/usage.h"

namespace holdfast::expand {
namespace {

using app::Completes;
using app::Option;
using app::Rule;

Option text_option(std::string name, std::string value_name, std::string help,
                   Completes completes = Completes::kNothing) {
    Option option;
    option.name = std::move(name);
    option.value_name = std::move(value_name);
    option.help = std::move(help);
    option.completes = completes;
    return option;
}

Option selector_option(std::string help) {
    Option option = text_option("selector", "SELECTOR", std::move(help));
    option.short_name = 'l';
    return option;
}

Option claim_option() {
    Option option =
        text_option("claim", "NAME", "also this claim, which the StatefulSet's pod template mounts; may be given again",
                    Completes::kClaim);
    option.kind = Option::Kind::kList;
    return option;
}

Rule rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string subresource = "",
          std::string when = "") {
    Rule made;
    made.verbs = std::move(verbs);
    made.resource = resource;
    made.subresource = std::move(subresource);
    made.when = std::move(when);
    made.cluster_scope = !resource.namespaced;
    return made;
}

// Where a copy of each StatefulSet's manifest lies until the operation has ended (XDG Base Directory).
std::string state_folder(const Environment& environment) {
    const std::string state = environment.get_or("XDG_STATE_HOME", "");
    if (!state.empty()) return state + "/holdfast";
    return environment.home.empty() ? "" : environment.home + "/.local/state/holdfast";
}

std::vector<Rule> expand_rules() {
    return {rule({"get", "list", "watch", "patch"}, kube::kClaims),
            rule({"list"}, kube::kPods),
            rule({"list"}, kube::kResourceQuotas),
            rule({"get"}, kube::kStorageClasses),
            rule({"get", "list", "watch", "create", "delete", "patch"}, kube::kStatefulSets, "", "sts/NAME"),
            rule({"get", "watch", "patch"}, kube::kPods, "", "sts/NAME"),
            rule({"list"}, kube::kControllerRevisions, "", "sts/NAME"),
            rule({"list"}, kube::kDaemonSets, "", "sts/NAME"),
            rule({"list"}, kube::kReplicaSets, "", "sts/NAME"),
            rule({"list"}, kube::kReplicationControllers, "", "sts/NAME"),
            rule({"list"}, kube::kJobs, "", "sts/NAME"),
            rule({"get", "list", "watch"}, kube::kPods, "", "--restart if-needed"),
            rule({"create"}, kube::kPods, "eviction", "--restart if-needed"),
            rule({"get", "list", "watch"}, kube::kStatefulSets, "", "--restart if-needed"),
            rule({"get", "list", "watch", "delete"}, kube::kPods, "", "--restart offline"),
            rule({"get", "list", "watch", "patch"}, kube::kStatefulSets, "", "--restart offline"),
            rule({"list"}, kube::kHorizontalPodAutoscalers, "", "--restart offline"),
            rule({"list", "watch"}, kube::kVolumeAttachments, "", "--restart offline"),
            rule({"get"}, kube::kPods, "", "--until-usage"),
            rule({"create"}, kube::kPods, "exec", "--until-usage"),
            rule({"get", "patch"}, kube::kDeployments, "", "deploy/NAME"),
            rule({"list", "watch"}, kube::kDeployments, "", "deploy/NAME --restart offline"),
            rule({"list"}, kube::kStatefulSets, "", "pvc/NAME, deploy/NAME, --selector"),
            rule({"list"}, kube::kDeployments, "", "pvc/NAME, deploy/NAME, --selector")};
}

app::Command expand_command() {
    app::Command command;
    command.name = "expand";
    command.summary = "Grow the claims of a StatefulSet, a Deployment or a selector, and the template with them";
    command.usage = "sts/NAME|deploy/NAME|pvc/NAME|-l SELECTOR --size SIZE [flags]";
    command.description =
        "Short: kubectl pvc-expand sts/NAME --size SIZE. Each claim is asked to grow and waited for until its capacity "
        "says so. "
        "Only then is the StatefulSet replaced, since its volumeClaimTemplates are immutable: it is deleted without "
        "its pods and "
        "made anew as it was, with the new size. No pod is restarted and the revision stays. Growing cannot be taken "
        "back.";
    command.examples = {
        {"Grow every claim of a StatefulSet, and its template", "kubectl pvc-expand sts/postgres --size 100Gi"},
        {"See what would be done", "kubectl pvc-expand sts/postgres --size 100Gi --dry-run"},
        {"Where filesystems grow only when they are mounted anew",
         "kubectl pvc-expand sts/postgres --size 100Gi --restart if-needed"},
        {"Where a volume grows only while no pod uses it: stopped, grown, started",
         "kubectl pvc-expand sts/postgres --size 100Gi --restart offline"},
        {"A claim of no StatefulSet", "kubectl pvc-expand pvc/files --size 20Gi"},
        {"All claims with a label, and the templates of which all claims have it",
         "kubectl pvc-expand -l app=db --size 50Gi --yes"},
    };
    command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    command.options = {
        selector_option("take the claims that this label selector chooses"),
        text_option("size", "SIZE", "the new size, for example 100Gi"),
        text_option("add", "SIZE", "grow by this much; on a terminal only"),
        text_option("percent", "N", "grow by this percentage; on a terminal only"),
        text_option("until-usage", "N%", "grow until what is used now is this part of it; on a terminal only"),
        text_option("template", "NAME", "only the claims of this volumeClaimTemplate"),
        claim_option(),
    };
    Option canary = text_option("canary", "N", "grow the claims of the N highest ordinals first, and wait for them");
    canary.kind = Option::Kind::kNumber;
    command.options.push_back(std::move(canary));
    command.options.push_back(
        text_option("restart", "WHEN",
                    "what may be done to pods: never; if-needed: restart those whose filesystems "
                    "grow only then, one at a time; offline: stop all until the volumes have grown"));
    Option paused = text_option("gitops-paused", "",
                                "with --restart offline: Argo CD or Flux, whose marks the workload carries, is paused");
    paused.kind = Option::Kind::kFlag;
    command.options.push_back(std::move(paused));
    Option unused = text_option("include-unused", "", "also claims of ordinals that have no pod any more");
    unused.kind = Option::Kind::kFlag;
    command.options.push_back(std::move(unused));
    command.rules = expand_rules();
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(ExpandOptions options, expand_options(context, arguments));
        const MeasureUsage measure = [&context](const ExpandFacts& facts) { return used_bytes(context, facts); };
        return std::unique_ptr<plan::Operation>(std::make_unique<Expand>(std::move(options), context.clock(),
                                                                         state_folder(context.environment()), measure));
    };
    return command;
}

app::Command recover_command() {
    app::Command command;
    command.name = "recover";
    command.summary = "Let claims ask for less that asked for more than the storage can give";
    command.usage = "sts/NAME|deploy/NAME|pvc/NAME|-l SELECTOR [--size SIZE] [flags]";
    command.description =
        "Once the storage has refused an expansion for good (Infeasible), the claim can ask for less: for anything "
        "above what it has, "
        "never for that itself. Without --size each asks for 1Mi more than it has, which the driver rounds up. A "
        "status that was "
        "never closed, and keeps the resizer from acting on a larger request, is closed.";
    command.examples = {{"Ask for the least that is possible", "kubectl pvc-expand recover sts/postgres"},
                        {"Ask for less than before", "kubectl pvc-expand recover pvc/data-postgres-0 --size 200Gi"}};
    command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    command.options = {selector_option("take the claims that this label selector chooses"),
                       text_option("size", "SIZE", "what the claims ask for instead, above what they have"),
                       claim_option()};
    command.rules = {rule({"get", "list", "watch", "patch"}, kube::kClaims),
                     rule({"patch"}, kube::kClaims, "status", "a status that was never closed"),
                     rule({"list"}, kube::kPods),
                     rule({"list"}, kube::kResourceQuotas),
                     rule({"get"}, kube::kStorageClasses),
                     rule({"get", "patch"}, kube::kStatefulSets, "", "sts/NAME"),
                     rule({"get", "patch"}, kube::kDeployments, "", "deploy/NAME"),
                     rule({"list"}, kube::kStatefulSets, "", "pvc/NAME, --selector"),
                     rule({"list"}, kube::kDeployments, "", "pvc/NAME, --selector")};
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(ExpandOptions options, recover_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<Recover>(std::move(options)));
    };
    return command;
}

app::Command usage_command() {
    app::Command command;
    command.name = "usage";
    command.summary = "Show how full the volumes of a workload are";
    command.usage = "[sts/NAME|deploy/NAME|pod/NAME|pvc/NAME] [flags]";
    command.description =
        "Asks df in a pod that mounts each claim: used, capacity and inodes of the filesystem. Without a target, every "
        "claim of the "
        "namespace that a running pod mounts. With --from kubelet the nodes' own measurements are read, up to a minute "
        "old: no container needs a df, and the permission is that of all pods of a node.";
    command.examples = {
        {"How full the volumes of a StatefulSet are", "kubectl pvc-expand usage sts/postgres"},
        {"The fullest first, for a script", "kubectl pvc-expand usage -o json"},
        {"As the nodes' kubelets measure it, for containers without df", "kubectl pvc-expand usage --from kubelet"}};
    command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    command.options = {selector_option("only claims that this label selector chooses"),
                       text_option("from", "SOURCE", "who measures: exec (df in the pod, the default) or kubelet")};
    command.rules = {rule({"list"}, kube::kClaims, "", "no target, --selector"),
                     rule({"get"}, kube::kClaims, "", "pvc/NAME"),
                     rule({"get", "list"}, kube::kPods),
                     rule({"create"}, kube::kPods, "exec", "no --from kubelet"),
                     rule({"get"}, kube::kNodes, "proxy", "--from kubelet"),
                     rule({"get"}, kube::kStatefulSets, "", "sts/NAME"),
                     rule({"get"}, kube::kDeployments, "", "deploy/NAME")};
    command.outputs = {"table", "json", "yaml", "name"};
    command.read = show_usage;
    return command;
}

}  // namespace

app::Plugin make_plugin() {
    app::Plugin plugin;
    plugin.name = "pvc-expand";
    plugin.summary = "Grow volumes while their workload runs, past a StatefulSet's immutable template";
    plugin.description =
        "Grows claims, waits until they have the capacity, and then makes their StatefulSet anew so that its template "
        "has the new "
        "size too: without restarting a pod, and so that a run that was killed at any moment can go on.";
    plugin.examples = {
        {"Grow every claim of a StatefulSet, and its template", "kubectl pvc-expand sts/postgres --size 100Gi"},
        {"How full its volumes are", "kubectl pvc-expand usage sts/postgres"},
        {"Go on with what was interrupted", "kubectl pvc-expand resume expand-postgres-7k2mz"},
    };
    plugin.commands = {expand_command(), recover_command(), usage_command()};
    plugin.default_command = "expand";
    plugin.default_by_option = "selector";
    plugin.rebuild = unfinished_expansions;
    app::add_common_commands(plugin);
    return plugin;
}

}  // namespace holdfast::expand
