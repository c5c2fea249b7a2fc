// A plugin's table with one of everything, for tests of what app makes of tables.
#pragma once

#include "common/app/command.h"
#include "common/plan/operation.h"

namespace holdfast::app::sample {

inline Option option(std::string name, Option::Kind kind, std::string value_name, std::string help,
                     Completes completes = Completes::kNothing) {
    Option made;
    made.name = std::move(name);
    made.kind = kind;
    made.value_name = std::move(value_name);
    made.help = std::move(help);
    made.completes = completes;
    return made;
}

inline Command create_command() {
    Command command;
    command.name = "create";
    command.summary = "snapshot the claims of a workload as one set";
    command.description = "A set is complete or not restorable.";
    command.usage = "TARGET... [flags]";
    command.positionals_max = 100;
    command.completes = {Completes::kWorkload};
    command.outputs = {"table", "json", "yaml", "name"};
    command.exclusive = {{"pre", "hold"}};
    command.examples = {{"Snapshot a StatefulSet", "kubectl sample create sts/postgres"}};
    Option wait = option("wait", Option::Kind::kText, "cut|ready", "when the command ends");
    wait.choices = {"cut", "ready"};
    wait.default_value = "cut";
    wait.completes = Completes::kChoices;
    Option selector = option("selector", Option::Kind::kText, "SELECTOR", "claims by their labels");
    selector.short_name = 'l';
    command.options = {option("name", Option::Kind::kText, "NAME", "name of the set", Completes::kSet),
                       option("pre", Option::Kind::kText, "CMD", "command before"),
                       option("hold", Option::Kind::kText, "CMD", "command during"),
                       option("label", Option::Kind::kList, "KEY=VALUE", "label on the set"),
                       option("count", Option::Kind::kNumber, "N", "how many"),
                       option("snapshot-class", Option::Kind::kText, "CLASS", "the class", Completes::kSnapshotClass),
                       wait,
                       selector};
    command.rules = {{{"list", "get"}, kube::kClaims, "", "", false, ""},
                     {{"create"}, kube::kSnapshots, "", "", false, ""},
                     {{"create"}, kube::kPods, "exec", "--pre", false, ""},
                     {{"get"}, kube::kStorageClasses, "", "", false, ""}};
    command.operation = [](Context&, const Arguments&) -> Result<std::unique_ptr<plan::Operation>> {
        return Error{ErrorKind::kInternal, "the sample does nothing"};
    };
    return command;
}

inline Command list_command() {
    Command command;
    command.name = "list";
    command.summary = "list sets";
    command.usage = "[TARGET] [flags]";
    command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    command.outputs = {"table", "wide", "json", "yaml", "name"};
    command.examples = {{"All sets", "kubectl sample list -A"}};
    Option everywhere = option("all-namespaces", Option::Kind::kFlag, "", "every namespace");
    everywhere.short_name = 'A';
    command.options = {everywhere};
    command.rules = {{{"get"}, kube::kClaims, "", "", false, ""}};
    command.read = [](Context&, const Arguments&) { return 0; };
    return command;
}

inline Command describe_command() {
    Command command;
    command.name = "describe";
    command.summary = "show one set";
    command.usage = "NAME [flags]";
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kSetOrSnapshot};
    command.examples = {{"One set", "kubectl sample describe first"}};
    command.read = [](Context&, const Arguments&) { return 0; };
    return command;
}

inline Plugin plugin() {
    Plugin made;
    made.name = "sample";
    made.summary = "snapshots of stateful workloads";
    made.description = "For tests.";
    made.examples = {{"Snapshot a StatefulSet", "kubectl sample sts/postgres"}};
    made.commands = {create_command(), list_command(), describe_command()};
    made.default_command = "create";
    return made;
}

}  // namespace holdfast::app::sample
