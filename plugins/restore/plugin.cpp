#include "plugins/restore/plugin.h"

#include "common/app/entries.h"
#include "common/db/pq_sql.h"
#include "plugins/restore/drill.h"
#include "plugins/restore/finalize.h"
#include "plugins/restore/in_place.h"
#include "plugins/restore/options.h"
#include "plugins/restore/restore_pvc.h"
#include "plugins/restore/traces.h"
#include "plugins/restore/undo.h"

namespace holdfast::restore {
namespace {

using app::Completes;
using app::Option;
using app::Rule;

using app::flag_option;
using app::text_option;

Option choice_option(std::string name, std::string value_name, std::string help, std::vector<std::string> choices) {
    Option option = text_option(std::move(name), std::move(value_name), std::move(help), Completes::kChoices);
    option.choices = std::move(choices);
    return option;
}

Option ordinal_option(std::string help) {
    Option option = text_option("ordinal", "N", std::move(help));
    option.kind = Option::Kind::kNumber;
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

// What finding a set, its snapshots, the old volumes and the classes reads.
std::vector<Rule> source_rules() {
    return {rule({"get", "list"}, kube::kConfigMaps),
            rule({"get"}, kube::kSnapshots),
            rule({"get"}, kube::kClaims),
            rule({"list"}, kube::kSnapshots, "", "a lost ConfigMap or a wrong name"),
            rule({"get"}, kube::kSnapshotContents),
            rule({"get", "list"}, kube::kVolumes),
            rule({"list"}, kube::kStorageClasses)};
}

void append(std::vector<Rule>& rules, std::vector<Rule> more) { rules.insert(rules.end(), more.begin(), more.end()); }

std::vector<Rule> pvc_rules() {
    std::vector<Rule> rules = source_rules();
    append(rules,
           {rule({"create", "update", "delete"}, kube::kConfigMaps),
            rule({"create", "get", "list", "watch", "delete"}, kube::kClaims),
            rule({"list", "watch"}, kube::kSnapshots, "", "a snapshot that is not ready yet"),
            rule({"list"}, kube::kPods), rule({"create"}, kube::kEvents),
            rule({"create", "get", "list", "watch", "delete"}, kube::kPods, "",
                 "a class that waits for the first consumer"),
            rule({"create", "get", "list", "watch", "delete"}, kube::kSnapshots, "", "--from-namespace"),
            rule({"create", "get", "list", "watch", "delete"}, kube::kSnapshotContents, "", "--from-namespace")});
    return rules;
}

std::vector<Rule> throwaway_rules() {
    std::vector<Rule> rules = source_rules();
    append(rules, {rule({"create", "update", "delete"}, kube::kConfigMaps),
                   rule({"create", "get", "list", "watch", "delete"}, kube::kClaims),
                   rule({"create", "get", "list", "watch", "delete"}, kube::kPods),
                   rule({"list", "watch"}, kube::kSnapshots, "", "a snapshot that is not ready yet"),
                   rule({"list"}, kube::kServices), rule({"get", "list", "watch", "patch"}, kube::kVolumes),
                   rule({"create"}, kube::kPods, "portforward"),
                   rule({"create", "get", "list", "watch", "delete"}, kube::kNetworkPolicies, "",
                        "a NetworkPolicy around them")});
    return rules;
}

app::Command pvc_command() {
    app::Command command;
    command.name = "pvc";
    command.summary = "Make a new claim from a snapshot set or a single snapshot";
    command.usage = "pvc/NEW --from [set/|vs/]NAME [flags]";
    command.description =
        "Makes a new claim; nothing that is there is changed. The class is that of the old volume if its driver is the "
        "snapshot's, else the default class of that driver. The size is at least the snapshot's. The claim is read "
        "back, since "
        "an API server may drop a data source without a word, and an empty volume would bind. With a class that waits "
        "for the "
        "first consumer a throwaway pod is scheduled where the workload could run, and removed once the claim is "
        "bound.";
    command.examples = {
        {"Restore the only claim of a set beside the old one",
         "kubectl restore pvc/data-postgres-restore --from before-migration"},
        {"Restore the claim of ordinal 1", "kubectl restore pvc/data-1 --from before-migration --ordinal 1"},
        {"Restore a snapshot that lies in another namespace",
         "kubectl restore pvc/data -n staging --from vs/nightly-7 --from-namespace bookstore"},
    };
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kNewClaim};
    command.options = {
        text_option("from", "NAME", "the set (NAME or set/NAME) or snapshot (vs/NAME) to restore from",
                    Completes::kSetOrSnapshot),
        text_option("from-namespace", "NS", "the namespace that the set or snapshot is in, if it is another one",
                    Completes::kNamespace),
        ordinal_option("the ordinal whose claim is meant, of a set with several"),
        text_option("claim", "NAME", "the source claim, or its template's name, of a set with several",
                    Completes::kClaim),
        text_option("storage-class", "CLASS",
                    "the storage class of the new claim; its provisioner must be the snapshot's driver",
                    Completes::kStorageClass),
        text_option("size", "SIZE", "the size of the new claim, at least the snapshot's"),
        choice_option("access-mode", "MODE", "the access mode of the new claim, instead of that of the old one",
                      {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"}),
        choice_option("volume-mode", "MODE", "another volume mode than the snapshot's, if its content allows that",
                      {"Filesystem", "Block"}),
        text_option("image", "IMAGE", "the image of the throwaway pod, where a class waits for the first consumer"),
    };
    command.rules = pvc_rules();
    command.outputs = {"table", "json", "yaml", "name"};
    command.exclusive = {{"ordinal", "claim"}};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(PvcOptions options, pvc_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<RestorePvc>(std::move(options)));
    };
    return command;
}

std::vector<Option> database_options() {
    return {text_option("database", "NAME",
                        "the database to connect to; default: what the recorded environment says, else postgres"),
            text_option("db-user", "USER", "the database user; default: the bootstrap superuser"),
            text_option("image", "IMAGE",
                        "the image to run instead of the recorded one; needed for snapshots that record none")};
}

// What swapping volumes reads and writes, whatever comes in.
std::vector<Rule> swap_rules() {
    // Claims are patched only by a takeover, which marks what an earlier owner may have read.
    return {rule({"create", "get", "list", "watch", "patch", "delete"}, kube::kClaims),
            rule({"get", "list", "watch", "delete"}, kube::kPods),
            rule({"get", "list", "watch", "patch"}, kube::kVolumes),
            rule({"list", "watch"}, kube::kVolumeAttachments),
            rule({"list"}, kube::kNodes, "", "volumes that only some nodes can reach"),
            rule({"get", "list", "watch", "patch"}, kube::kStatefulSets, "", "sts/NAME"),
            rule({"get", "list", "watch", "patch"}, kube::kDeployments, "", "deploy/NAME")};
}

app::Command in_place_command() {
    app::Command command;
    command.name = "in-place";
    command.summary = "Restore a workload's claims in place: swap their volumes for restored ones";
    command.usage = "sts/NAME|deploy/NAME|pvc/NAME --from [set/|vs/]NAME [flags]";
    command.description =
        "Short: kubectl restore sts/NAME --from SET --in-place. New volumes are made from the set and looked at while "
        "the workload still runs; only then is it scaled down, the volumes are swapped under the same claim names, and "
        "it is scaled up again. The old volumes are kept: undo puts them back, finalize removes them. Writes since the "
        "set was cut are not in the restored volumes.";
    command.examples = {
        {"Bring a database back to before the migration",
         "kubectl restore sts/postgres --from before-migration --in-place"},
        {"See what would be done", "kubectl restore sts/postgres --from before-migration --in-place --dry-run"},
        {"Only ordinal 1", "kubectl restore sts/postgres --from before-migration --in-place --ordinal 1"},
        {"A claim that no pod mounts", "kubectl restore pvc/data --from before-migration --in-place"},
    };
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    command.options = {
        text_option("from", "NAME", "the set (NAME or set/NAME) or snapshot (vs/NAME) to restore from",
                    Completes::kSetOrSnapshot),
        flag_option("in-place", "swap the volumes of the claims that are there"),
        ordinal_option("restore only this ordinal; those below it run on"),
        text_option(
            "claim", "NAME",
            "this claim that the pod template mounts: a StatefulSet's besides those of its templates, a Deployment's "
            "instead of all; may be given again",
            Completes::kClaim),
        flag_option("accept-skew", "restore a set whose volumes were cut one after the other"),
        flag_option("gitops-paused", "Argo CD or Flux, whose marks the workload carries, is paused"),
        flag_option("again", "restore once more what was restored from this set last"),
        text_option("image", "IMAGE", "the image that looks at the new volumes; default: the workload's own"),
    };
    command.rules = source_rules();
    append(command.rules, swap_rules());
    append(command.rules, {rule({"create"}, kube::kPods), rule({"list"}, kube::kSnapshots),
                           rule({"list", "watch"}, kube::kSnapshots, "", "a snapshot that is not ready yet"),
                           rule({"list"}, kube::kHorizontalPodAutoscalers, "", "sts/NAME"),
                           rule({"list"}, kube::kHorizontalPodAutoscalers, "", "deploy/NAME")});
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(InPlaceOptions options, in_place_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<InPlace>(std::move(options)));
    };
    return command;
}

app::Command undo_command() {
    app::Command command;
    command.name = "undo";
    command.summary = "Put back the volumes that a restore in place took out";
    command.usage = "[OPERATION] [flags]";
    command.description =
        "The same swap, the other way round: the kept volumes come back under the same claims, and what was restored "
        "is "
        "kept in turn, so that an undo can be undone. Writes since the restore are not in the old volumes. Without a "
        "name the only operation that can be undone is meant; in scripts, name it. Refused when claims were added "
        "since.";
    command.positionals_max = 1;
    command.completes = {Completes::kOperation};
    command.examples = {{"Go back to what the database was before the restore", "kubectl restore undo"},
                        {"A certain one, without being asked", "kubectl restore undo in-place-postgres-7k2mz --yes"}};
    command.options = {flag_option("gitops-paused", "Argo CD or Flux, whose marks the workload carries, is paused")};
    command.rules = swap_rules();
    append(command.rules, {rule({"get"}, kube::kConfigMaps), rule({"list"}, kube::kSnapshots),
                           rule({"list"}, kube::kCsiNodes, "", "kept volumes of another driver than now"),
                           rule({"list"}, kube::kHorizontalPodAutoscalers, "", "sts/NAME"),
                           rule({"list"}, kube::kHorizontalPodAutoscalers, "", "deploy/NAME")});
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(UndoOptions options, undo_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<Undo>(std::move(options)));
    };
    return command;
}

app::Command finalize_command() {
    app::Command command;
    command.name = "finalize";
    command.summary = "Remove the volumes that a restore in place or an undo has kept";
    command.usage = "OPERATION [flags]";
    command.description =
        "Lists the kept volumes with size and date, asks, and has the storage delete them: after that the operation "
        "cannot be undone. Only volumes that no claim is bound to and no node has attached.";
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kOperation};
    command.examples = {{"See what would be removed", "kubectl restore finalize in-place-postgres-7k2mz --dry-run"},
                        {"Remove it", "kubectl restore finalize in-place-postgres-7k2mz --yes"}};
    command.rules = {rule({"get", "list", "watch", "patch", "delete"}, kube::kConfigMaps),
                     rule({"list"}, kube::kClaims),
                     rule({"get", "list", "watch", "patch"}, kube::kVolumes),
                     rule({"list"}, kube::kVolumeAttachments),
                     rule({"get", "patch"}, kube::kStatefulSets, "", "sts/NAME"),
                     rule({"get", "patch"}, kube::kDeployments, "", "deploy/NAME")};
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(FinalizeOptions options, finalize_options(context, arguments));
        return std::unique_ptr<plan::Operation>(std::make_unique<Finalize>(std::move(options)));
    };
    return command;
}

app::Command drill_command() {
    app::Command command;
    command.name = "drill";
    command.summary = "Rehearse a restore: start throwaway databases on copies, ask them, take them down";
    command.usage = "[set/|vs/]NAME [flags]";
    command.description =
        "Restores every claim of the set into throwaway claims, starts PostgreSQL on them with a configuration of its "
        "own "
        "(loopback only, nothing archived, replicated or scheduled, read-only), compares version, system identifier "
        "and timeline "
        "with what the set recorded, runs a query, measures each phase, writes the result on the set, and removes "
        "everything. "
        "The live workload is not touched. The measured time excludes hydration: some storage brings the data in only "
        "when it "
        "is read. For any other software, --exec runs a command in a container of the recorded image, with the volumes "
        "mounted.";
    command.examples = {
        {"Prove that a set can be restored and holds the row",
         "kubectl restore drill before-migration --query 'select x from snap_demo' --expect 7"},
        {"Only see whether the databases start", "kubectl restore drill before-migration"},
        {"Check the files of any other software", "kubectl restore drill nightly --exec 'test -s /var/lib/app/index'"},
        {"Drill a snapshot that records no image", "kubectl restore drill vs/nightly-7 --image postgres:16"},
    };
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kSetOrSnapshot};
    command.options = {
        ordinal_option("the ordinal that is asked; default: the lowest (every ordinal is started)"),
        text_option("query", "SQL", "a query to run"),
        text_option("expect", "VALUE", "what the answer must be, as psql -qtAX prints it; else exit code 6"),
        text_option("sql-file", "FILE", "a file with the query", Completes::kFile),
        text_option("exec", "CMD", "a shell command that must end with exit code 0; no database is started"),
        flag_option("no-cleanup", "leave the throwaway pods and claims there; gc removes them"),
        text_option("report", "FILE", "write the report as JSON to this file", Completes::kFile),
    };
    for (Option& option : database_options()) command.options.push_back(std::move(option));
    command.exclusive = {
        {"query", "sql-file"}, {"query", "exec"}, {"sql-file", "exec"}, {"exec", "database"}, {"exec", "db-user"}};
    command.rules = throwaway_rules();
    append(command.rules, {rule({"create"}, kube::kPods, "exec", "--exec"), rule({"patch"}, kube::kConfigMaps),
                           rule({"patch"}, kube::kSnapshots, "", "vs/NAME")});
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(DrillOptions options, drill_options(context, arguments));
        return std::unique_ptr<plan::Operation>(
            std::make_unique<Drill>(std::move(options), context.console(), context.clock()));
    };
    return command;
}

app::Command open_command() {
    app::Command command;
    command.name = "open";
    command.summary = "Open a snapshot as a throwaway database for psql and pg_dump, until Ctrl-C";
    command.usage = "[set/|vs/]NAME [flags]";
    command.description =
        "Starts the same throwaway PostgreSQL as a drill, prints a local URI on stdout, and keeps it until Ctrl-C; "
        "then it is "
        "removed. Transactions are read-only by default. For example to fetch back one dropped table:\n"
        "pg_dump -t TABLE URI | kubectl exec -i postgres-0 -- psql";
    command.examples = {{"Open the set's database", "kubectl restore open before-migration"}};
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kSetOrSnapshot};
    command.options = {ordinal_option("the ordinal to open; default: the lowest")};
    for (Option& option : database_options()) command.options.push_back(std::move(option));
    command.rules = throwaway_rules();
    command.operation = [](app::Context& context,
                           const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
        TRY_ASSIGN(DrillOptions options, open_options(context, arguments));
        return std::unique_ptr<plan::Operation>(
            std::make_unique<Drill>(std::move(options), context.console(), context.clock()));
    };
    return command;
}

}  // namespace

app::Plugin make_plugin() {
    app::Plugin plugin;
    plugin.name = "restore";
    plugin.summary = "Restore volumes from snapshots, and prove that they can be";
    plugin.description =
        "A snapshot is worth what its last restore proved. drill rehearses one on throwaway copies, open lets you read "
        "from a "
        "snapshot, and pvc/NEW makes a new claim from it. Sets of kubectl snap and any other VolumeSnapshot will do.";
    plugin.examples = {
        {"Prove that a set can be restored and holds the row",
         "kubectl restore drill before-migration --query 'select x from snap_demo' --expect 7"},
        {"Make a new claim from it", "kubectl restore pvc/data-postgres-restore --from before-migration"},
        {"Read from it with psql or pg_dump", "kubectl restore open before-migration"},
    };
    plugin.commands = {pvc_command(),      in_place_command(), undo_command(),
                       finalize_command(), drill_command(),    open_command()};
    plugin.default_command = "pvc";
    plugin.default_by_flag = {{"in-place", "in-place"}};
    plugin.sql = [](plan::LocalPorts ports, Clock& clock, const Signals& signals) {
        return std::unique_ptr<plan::SqlRunner>(std::make_unique<db::PqSqlRunner>(std::move(ports), clock, signals));
    };
    plugin.rebuild = unfinished_swaps;
    app::add_common_commands(plugin);
    return plugin;
}

}  // namespace holdfast::restore
