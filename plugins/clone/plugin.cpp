#include "plugins/clone/plugin.h"

#include "common/app/entries.h"
#include "common/db/pq_sql.h"
#include "plugins/clone/clone.h"
#include "plugins/clone/clone_options.h"
#include "plugins/clone/delete.h"
#include "plugins/clone/list.h"

namespace holdfast::clone {
namespace {

using app::cluster_rule;
using app::Completes;
using app::rule;
using app::text_option;

constexpr char kOtherSpace[] = "--to-namespace";
constexpr char kWaits[] = "a class that waits for the first consumer";
constexpr char kMasks[] = "--sql";
constexpr char kCopied[] = "a clone with --copy-secrets or --copy-configmaps";
constexpr char kTakenBack[] = "a clone with --copy-secrets or --copy-configmaps that is taken back";
constexpr char kPrepares[] = "--sql, --isolated";
constexpr char kAsked[] = "a PostgreSQL without --isolated, a Patroni";
constexpr char kWhole[] = "sts/NAME, deploy/NAME";
constexpr char kWhileLocked[] = "something in the namespace is being restored in place";

std::vector<app::Option> create_options() {
    return {
        text_option("to-namespace", "NAMESPACE", "the namespace of the clone; default: the source's",
                    Completes::kNamespace),
        text_option(
            "to-context", "CONTEXT",
            "the kubeconfig context of another cluster on the same storage, in which the clone is made; what its "
            "storage says of the snapshot is compared before anything is made of it",
            Completes::kContext),
        text_option("to-kubeconfig", "FILE", "the kubeconfig that --to-context is of; default: the source's",
                    Completes::kFile),
        app::choice_option("method", {"auto", "clone", "snapshot", "copy"}, "auto",
                           "how volumes are copied: a clone by the driver, or a snapshot that is restored; auto "
                           "says which and why. copy: not in this version"),
        text_option("storage-class", "CLASS", "the storage class of the new claims, of the same driver",
                    Completes::kStorageClass),
        text_option("snapshot-class", "CLASS", "VolumeSnapshotClass; default: the default class of the volume's driver",
                    Completes::kSnapshotClass),
        text_option("size", "SIZE", "the size of the new claims, at least the source's"),
        app::text_option("replicas", "N", "pods of the clone; default: as many as the source has"),
        text_option("ordinals", "SRC=DST,...", "which ordinal of the source each ordinal of the clone is a copy of"),
        app::list_option("set", "PATH=VALUE",
                         "set a field of the clone's workload, for example "
                         "spec.template.spec.containers[0].args[1]; may be repeated"),
        app::list_option("env", "NAME=VALUE", "set a variable of its containers; may be repeated"),
        app::list_option("copy-secrets", "NAME",
                         "copy this Secret to the clone's namespace, unless it has one; may be repeated"),
        app::list_option("copy-configmaps", "NAME",
                         "copy this ConfigMap to the clone's namespace, unless it has one; may be repeated"),
        text_option("sql", "FILE",
                    "SQL that masks the copy before anybody can reach it, in a throwaway PostgreSQL on loopback",
                    Completes::kFile),
        text_option("database", "NAME", "the database that --sql masks; default: what the container's env says"),
        text_option("db-user", "USER", "the user that --sql runs as; default: the bootstrap superuser"),
        app::flag_option("disable-triggers",
                         "keep the database's own triggers and rules from acting while --sql runs; without it a "
                         "database that has some is not masked (exit 6)"),
        app::flag_option("isolated",
                         "take what ties the data to its source out of the copy before it starts: archiving, "
                         "replication, slots, subscriptions; deny its pods egress"),
        text_option("image", "IMAGE",
                    "the image of throwaway pods: where a class waits for the first consumer, and of the PostgreSQL "
                    "of --sql and --isolated; default: the source's"),
        text_option("ttl", "DURATION", "when list shows it as past its time (48h); nothing is removed by itself")};
}

// A running PostgreSQL is asked what ties it to others.
app::Rule exec_rule() {
    app::Rule one = rule({"create"}, kube::kPods, kAsked);
    one.subresource = "exec";
    return one;
}

app::Rule forward_rule() {
    app::Rule one = rule({"create"}, kube::kPods, kPrepares);
    one.subresource = "portforward";
    return one;
}

// A Secret is read only when it is named (safety R30). NAME is the name of none: whoever grants the role puts theirs
// there.
app::Rule secret_rule(std::vector<std::string> verbs, std::string when) {
    app::Rule one = rule(std::move(verbs), kube::kSecrets, std::move(when));
    one.name = "NAME";
    return one;
}

std::vector<app::Rule> create_rules() {
    return {rule({"get"}, kube::kNamespaces),
            rule({"get", "list", "watch", "create", "delete"}, kube::kClaims),
            rule({"list"}, kube::kPods),
            rule({"list"}, kube::kLeases),
            rule({"list"}, kube::kStatefulSets, kWhileLocked),
            rule({"list"}, kube::kDeployments, kWhileLocked),
            rule({"get"}, kube::kReplicaSets, kWhileLocked),
            rule({"get"}, kube::kPods, "pod/NAME"),
            rule({"get"}, kube::kPods, kAsked),
            exec_rule(),
            rule({"get", "list", "watch", "create"}, kube::kStatefulSets, "sts/NAME"),
            rule({"get", "list", "watch", "create"}, kube::kDeployments, "deploy/NAME"),
            rule({"list"}, kube::kStatefulSets, kWhole),
            rule({"list"}, kube::kDeployments, kWhole),
            rule({"list"}, kube::kServices, kWhole),
            rule({"get", "create"}, kube::kServices, "sts/NAME"),
            rule({"list"}, kube::kNetworkPolicies, kWhole),
            rule({"list"}, kube::kPodDisruptionBudgets, kWhole),
            rule({"list"}, kube::kHorizontalPodAutoscalers, kWhole),
            rule({"get"}, kube::kConfigMaps, "containers that take variables or files from ConfigMaps; --to-namespace"),
            rule({"get"}, kube::kServiceAccounts, "sts/NAME with --to-namespace"),
            secret_rule({"get"}, "--copy-secrets NAME"),
            rule({"create"}, kube::kSecrets, "--copy-secrets NAME"),  // which no role can bind to a name
            rule({"get", "list", "watch", "create", "delete"}, kube::kSnapshots),
            rule({"list", "create", "update", "delete"}, kube::kConfigMaps),
            rule({"create"}, kube::kEvents),
            rule({"get", "list", "watch", "create", "delete"}, kube::kPods, kWaits),
            rule({"get", "list", "watch", "create", "delete"}, kube::kPods, kPrepares),
            rule({"patch"}, kube::kClaims, kPrepares),
            rule({"create", "get", "list", "watch", "delete"}, kube::kNetworkPolicies,
                 "a NetworkPolicy around throwaway databases"),
            rule({"list"}, kube::kServices, kPrepares),
            forward_rule(),
            rule({"get", "create"}, kube::kNetworkPolicies, "--isolated"),
            rule({"list"}, kube::kDaemonSets, kTakenBack),
            rule({"list"}, kube::kJobs, kTakenBack),
            rule({"list"}, kube::kCronJobs, kTakenBack),
            rule({"list"}, kube::kServiceAccounts, kTakenBack),
            rule({"list"}, kube::kIngresses, kTakenBack),
            cluster_rule({"get", "list"}, kube::kVolumes),
            cluster_rule({"watch"}, kube::kVolumes, kMasks),
            cluster_rule({"patch"}, kube::kVolumes, "a class under Retain with --sql"),
            cluster_rule({"list"}, kube::kStorageClasses),
            cluster_rule({"list"}, kube::kSnapshotClasses),
            cluster_rule({"get", "patch"}, kube::kSnapshotContents),
            cluster_rule({"get", "list", "watch", "create", "delete"}, kube::kSnapshotContents, kOtherSpace)};
}

app::Command create_command() {
    app::Command command;
    command.name = "create";
    command.summary = "Copy claims, or a workload with its claims, without touching the source";
    command.usage = "TYPE/SRC DST [flags]";
    command.description =
        "A claim is copied by a snapshot that is restored, or by the driver itself; the source is only read, and the "
        "snapshot is\n"
        "removed once the copy is made. sts/SRC and deploy/SRC copy the workload too, with labels that nothing selects "
        "which\n"
        "selects the source; pod/SRC every claim that the pod mounts, as DST-CLAIM.\n"
        "`kubectl clone TYPE/SRC DST` is short for it. The copy is crash-consistent: like a disk after a power cut.";
    command.examples = {
        {"A copy of a database's volume", "kubectl clone pvc/data-postgres-0 data-copy"},
        {"A database beside its source, one pod of it", "kubectl clone sts/postgres staging --replicas 1"},
        {"In another namespace, shown as past its time in two days",
         "kubectl clone pvc/data-postgres-0 data-copy --to-namespace staging --ttl 48h"},
        {"Masked, on its own", "kubectl clone sts/postgres staging --sql mask.sql --isolated"},
        {"See what would be done, and by which method", "kubectl clone pvc/data-postgres-0 data-copy --dry-run"}};
    command.positionals_min = command.positionals_max = 2;
    command.completes = {Completes::kWorkload, Completes::kNothing};
    command.options = create_options();
    command.rules = create_rules();
    command.outputs = {"table", "json", "yaml", "name"};
    command.exclusive = {{"replicas", "ordinals"}};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(CloneOptions options, clone_options(context, arguments));
        const auto pods = context.pod_runner();
        kube::ClusterReader* other = nullptr;
        if (options.other) {
            TRY_ASSIGN(other, context.connect_other(options.other_kubeconfig, options.other_context));
        }
        return std::unique_ptr<plan::Operation>(
            std::make_unique<Clone>(std::move(options), pods.ok() ? *pods : nullptr, other));
    };
    return command;
}

app::Command list_command() {
    app::Command command;
    command.name = "list";
    command.summary = "List clones, and which are past their time";
    command.description =
        "FROM is what a clone is a copy of: a workload, or claims, each by its name; -o wide names what it is made "
        "of.\n"
        "Those past their --ttl are shown as such: nothing removes a clone by itself.";
    command.usage = "[flags]";
    command.examples = {
        {"The clones of this namespace", "kubectl clone list"},
        {"Namespace and name of all that are past their time",
         "kubectl clone list -A -o json | jq -r '.items[] | select(.expired) | .namespace + \" \" + .name'"}};
    command.options = {app::short_named(app::flag_option("all-namespaces", "list the clones of every namespace"), 'A')};
    command.rules = {rule({"list"}, kube::kClaims),      rule({"list"}, kube::kStatefulSets),
                     rule({"list"}, kube::kDeployments), rule({"list"}, kube::kServices),
                     rule({"list"}, kube::kConfigMaps),  rule({"list"}, kube::kNetworkPolicies)};
    command.outputs = {"table", "wide", "json", "yaml", "name"};
    command.read = run_list;
    return command;
}

app::Command delete_command() {
    app::Command command;
    command.name = "delete";
    command.summary = "Remove clones: everything that they are made of, and nothing else";
    command.description =
        "Asks first. Refused while a pod that is not the clone's own uses a claim of it. Volumes go too, also under "
        "reclaim\n"
        "policy Retain. The source of a clone is never among what is removed.";
    command.usage = "NAME... [flags]";
    command.examples = {{"Remove a clone", "kubectl clone delete data-copy"},
                        {"From a script: without a question", "kubectl clone delete data-copy -n staging --yes"}};
    command.positionals_min = 1;
    command.positionals_max = 64;
    command.completes = {Completes::kClone};
    command.options = {
        text_option("operation", "ID", "of two clones of one name, the one that this operation made (list -o wide)")};
    command.rules = {rule({"get", "list", "watch", "delete"}, kube::kClaims),
                     rule({"list"}, kube::kPods),
                     rule({"list"}, kube::kStatefulSets),
                     rule({"list"}, kube::kDeployments),
                     rule({"list"}, kube::kServices),
                     rule({"list"}, kube::kNetworkPolicies),
                     rule({"get", "watch", "delete"}, kube::kStatefulSets, "a clone of sts/NAME"),
                     rule({"get", "watch", "delete"}, kube::kServices, "a clone of sts/NAME"),
                     rule({"get", "watch", "delete"}, kube::kDeployments, "a clone of deploy/NAME"),
                     rule({"get", "watch", "delete"}, kube::kNetworkPolicies, "a clone with --isolated"),
                     rule({"get", "watch", "delete"}, kube::kConfigMaps, "a clone with --copy-configmaps"),
                     secret_rule({"get", "delete"}, "a clone with --copy-secrets"),
                     rule({"list"}, kube::kDaemonSets, kCopied),
                     rule({"list"}, kube::kJobs, kCopied),
                     rule({"list"}, kube::kCronJobs, kCopied),
                     rule({"list"}, kube::kServiceAccounts, kCopied),
                     rule({"list"}, kube::kIngresses, "a clone of sts/NAME or with --copy-secrets"),
                     rule({"list", "create", "update", "delete"}, kube::kConfigMaps),
                     cluster_rule({"get", "list", "watch"}, kube::kVolumes),
                     cluster_rule({"patch"}, kube::kVolumes, "a volume under Retain")};
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(DeleteOptions options, delete_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<Delete>(std::move(options)));
    };
    return command;
}

}  // namespace

app::Plugin make_plugin() {
    app::Plugin plugin;
    plugin.name = "clone";
    plugin.summary = "Copy a database's volumes, without touching the original";
    plugin.description =
        "A copy that cannot hurt its source: the source is only read, nothing selects the copy by accident, and what "
        "was made\n"
        "is known by its name and removed by `delete`. A copy on the same storage is no backup.";
    plugin.examples = {{"A copy of a database's volume", "kubectl clone pvc/data-postgres-0 data-copy"},
                       {"See which clones there are", "kubectl clone list -A"},
                       {"Remove one", "kubectl clone delete data-copy"}};
    plugin.commands = {create_command(), list_command(), delete_command()};
    plugin.default_command = "create";
    plugin.sql = [](plan::LocalPorts ports, Clock& clock, const Signals& signals) {
        return std::unique_ptr<plan::SqlRunner>(std::make_unique<db::PqSqlRunner>(std::move(ports), clock, signals));
    };
    app::add_common_commands(plugin);
    return plugin;
}

}  // namespace holdfast::clone
