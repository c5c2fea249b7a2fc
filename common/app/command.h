// One table per plugin: it feeds parsing, --help, completion, the roles that `rbac` prints and later the man page.
// A flag, a message or an exit code that stands nowhere else is written here once.
#pragma once

#include "common/core/result.h"
#include "common/kube/resource.h"
#include "common/plan/journal.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast {
class Clock;
class Signals;
}  // namespace holdfast

namespace holdfast::plan {
class Operation;
class SqlRunner;
struct LocalPorts;
}  // namespace holdfast::plan

namespace holdfast::app {

class Context;
class Session;

// What completion offers for a word; names come from the cluster.
enum class Completes {
    kNothing,
    kChoices,
    kFile,
    kNamespace,
    kContext,
    kCluster,
    kUser,
    kWorkload /* TYPE/NAME of sts, deploy, pod, pvc */,
    kClaim,
    kSet,
    kSetOrSnapshot /* set/, vs/ and bare sets */,
    kSnapshot,
    kStorageClass,
    kSnapshotClass,
    kOperation,
    kShell /* of `completion` */,
    kNewClaim /* pvc/ */,
    kClone /* names that kubectl clone gave */
};

struct Option {
    enum class Kind { kFlag, kText, kOptionalText /* --dry-run[=x] */, kList /* repeat */, kNumber };
    std::string name;  // "snapshot-class", without dashes
    char short_name = 0;
    Kind kind = Kind::kText;
    std::string value_name;            // "CLASS": as help shows it
    std::string help;                  // one sentence, lower case, no full stop, as kubectl's
    std::string default_value;         // as help shows it and as Arguments::text gives it when the flag is absent
    std::string bare_value;            // kOptionalText: the value of the bare flag
    std::vector<std::string> choices;  // anything else is exit 2, naming them
    Completes completes = Completes::kNothing;
};

struct Example {
    std::string comment;  // "Snapshot every claim of a StatefulSet and wait until it can be restored"
    std::string command;  // "kubectl snap create sts/postgres --name before-migration --wait ready"
};

// One permission, for `rbac`. Reads that gathering needs and writes that steps need.
struct Rule {
    std::vector<std::string> verbs;
    kube::Resource resource;
    std::string subresource;
    std::string when;            // "" : always; else the flag that needs it, "--pre"
    bool cluster_scope = false;  // needs a ClusterRole although the resource may be namespaced
    std::string name;            // resourceNames, "" : any
};

// Parsed words. Asking for a flag that the table lacks is a mistake of ours (assert).
class Arguments {
  public:
    std::vector<std::string> positionals;
    std::map<std::string, std::vector<std::string>> values;  // given flags only
    std::map<std::string, std::string> defaults;             // of every flag in the table; empty in hand-made ones

    bool given(const std::string& name) const;
    bool flag(const std::string& name) const;  // kFlag: false unless given (or =false)
    std::string text(const std::string& name,
                     std::string fallback = "") const;  // last one given, else the table's default, else the fallback
    std::optional<std::string> optional(const std::string& name) const;
    std::vector<std::string> list(const std::string& name) const;
};

// Read-only commands print by themselves and return the exit code.
using ReadHandler = std::function<int(Context&, const Arguments&)>;
// Commands that write return the operation, which app/run drives.
using OperationHandler = std::function<Result<std::unique_ptr<plan::Operation>>(Context&, const Arguments&)>;
// The commands of app itself that write (resume, abort, gc): they drive by themselves.
using ActHandler = std::function<int(Session&, const Arguments&)>;

struct Command {
    std::string name;         // "create"
    std::string summary;      // one line
    std::string description;  // paragraphs; may be empty
    std::string usage;        // "TARGET... [flags]"
    std::vector<Example> examples;
    std::size_t positionals_min = 0, positionals_max = 0;
    std::vector<Completes> completes;  // by position; the last one repeats
    std::vector<Option> options;
    std::vector<Rule> rules;
    std::vector<std::string> outputs;                            // -o values: empty = no -o at all
    std::vector<std::pair<std::string, std::string>> exclusive;  // flags that contradict each other
    ReadHandler read;                                            // exactly one of the three
    OperationHandler operation;
    ActHandler act;
    bool hidden = false;
};

struct Plugin {
    std::string name;  // "snap": kubectl-snap, kubectl_complete-snap
    std::string summary;
    std::string description;
    std::vector<Example> examples;
    std::vector<Command> commands;
    // The command meant when the first word is TYPE/NAME ("kubectl snap sts/postgres"); "" : none.
    std::string default_command;
    // Flags that make it another one: {"in-place", "in-place"} for "kubectl restore sts/postgres --in-place".
    std::vector<std::pair<std::string, std::string>> default_by_flag = {};
    // Stands for a target: with it and no words at all the default command is meant ("kubectl pvc-expand -l app=db").
    std::string default_by_option = {};
    // Makes the SQL runner, in plugins that speak to databases: the others do not load libpq. Null: none.
    std::function<std::unique_ptr<plan::SqlRunner>(plan::LocalPorts, Clock&, const Signals&)> sql;
    // Unfinished operations as the objects that they touched tell of them, whose journal may be lost. Null: none.
    plan::Rebuild rebuild = {};
};

// status, resume, abort, gc, rbac, completion, version, doctor: the same in all five plugins.
void add_common_commands(Plugin& plugin);

// main() of every plugin is `return holdfast::app::run(make_plugin(), argc, argv);`. Returns the exit code of
// commands.md.
int run(Plugin plugin, int argc, char** argv);

}  // namespace holdfast::app
