#include "common/app/exit_code.h"
#include "common/app/operation_commands.h"
#include "common/app/session.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/plan/forgotten.h"
#include "common/plan/operations.h"
#include "common/view/table.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::app {

namespace {

Json as_json(const plan::OperationStatus& status) {
    const plan::Journal& journal = status.journal;
    return Json{{"operation", journal.operation},
                {"namespace", journal.space},
                {"kind", journal.kind},
                {"target", status.target},
                {"plugin", journal.plugin},
                {"command", journal.command},
                {"started", format_time(journal.started)},
                {"state", journal.state},
                {"owner", status.owner},
                {"who", status.who},
                {"message", journal.message},
                {"round", journal.round},
                {"rounds", journal.rounds},
                {"resume", status.resume},
                {"abort", status.abort}};
}

std::string age(Context& context, SystemTime since) {
    return human_age(std::chrono::duration_cast<std::chrono::seconds>(context.clock().now() - since).count());
}

std::string table_text(Context& context, const std::vector<plan::OperationStatus>& all, bool with_space) {
    std::vector<std::string> header = {"NAME", "COMMAND", "TARGET", "OWNER", "ROUND", "AGE"};
    if (with_space) header.insert(header.begin(), "NAMESPACE");
    view::Table table(header);
    for (const auto& status : all) {
        const plan::Journal& journal = status.journal;
        std::vector<std::string> cells = {
            journal.operation, journal.plugin + " " + journal.command, status.target,
            status.owner,      std::to_string(journal.round + 1),      age(context, journal.started)};
        if (with_space) cells.insert(cells.begin(), journal.space);
        table.row(cells);
    }
    return table.text();
}

std::string details_text(Context& context, const plan::OperationStatus& status) {
    const plan::Journal& journal = status.journal;
    const auto line = [](const std::string& name, const std::string& value) {
        return value.empty() ? std::string()
                             : name + ":" + std::string(12 - name.size(), ' ') + escape_line(value) + "\n";
    };
    return line("Operation", journal.operation) + line("Namespace", journal.space) +
           line("Command", journal.plugin + " " + journal.command) + line("Target", status.target) +
           line("Started", format_time(journal.started) + " (" + age(context, journal.started) + " ago)") +
           line("Owner", status.owner + (status.who.empty() ? "" : " (" + status.who + ")")) +
           line("State", journal.state) + line("Message", journal.message) + line("Go on", status.resume) +
           line("Take back", status.abort + "   says whether it still can be");
}

int print_one(Context& context, kube::ClusterReader& reader, const std::string& space, const std::string& operation) {
    const auto journal = plan::read_or_rebuild(reader, space, operation, context.plugin().rebuild);
    if (!journal.ok()) return context.fail(journal.error());
    const auto owners = plan::look_at_owners(reader, {*journal}, context.self(), context.clock().now());
    if (!owners.ok()) return context.fail(owners.error());
    const auto status = plan::describe(*journal, owners->front());
    const std::string& output = context.flags().output;
    if (output == "json" || output == "yaml") {
        context.print_structured(as_json(status));
    } else if (output == "name") {
        context.console().out("operation/" + escape_line(journal->operation) + "\n");
    } else {
        context.console().out(details_text(context, status));
    }
    return kDone;
}

Json as_json(const plan::Forgotten& one) {
    return Json{{"workload", one.workload.text()},
                {"mark", one.mark},
                {"value", one.value},
                {"message", one.message},
                {"hint", one.hint}};
}

void print_list(Context& context, const std::vector<plan::OperationStatus>& all,
                const std::vector<plan::Forgotten>& forgotten, const std::string& space) {
    const std::string& output = context.flags().output;
    // In every form of output, since nobody else tells of them.
    for (const auto& one : forgotten) context.console().err("warning: " + one.message + "\n  " + one.hint + "\n");
    if (output == "json" || output == "yaml") {
        Json items = Json::array(), marked = Json::array();
        for (const auto& status : all) items.push_back(as_json(status));
        for (const auto& one : forgotten) marked.push_back(as_json(one));
        context.print_structured(Json{{"apiVersion", "holdfast.dev/v1"},
                                      {"kind", "OperationList"},
                                      {"items", std::move(items)},
                                      {"forgotten", std::move(marked)}});
    } else if (output == "name") {
        for (const auto& status : all)
            context.console().out("operation/" + escape_line(status.journal.operation) + "\n");
    } else if (all.empty()) {
        context.console().err("No unfinished operations found" +
                              (space.empty() ? std::string() : " in " + space + " namespace") + ".\n");
    } else {
        context.console().out(table_text(context, all, space.empty()));
    }
}

int print_all(Context& context, kube::ClusterReader& reader, const std::string& space) {
    std::vector<std::string> damaged;
    std::vector<plan::Journal> unread;
    auto journals = plan::list_journals(reader, space, damaged);
    if (!journals.ok()) return context.fail(journals.error());
    const Status rebuilt = plan::rebuild_lost(reader, space, context.plugin().rebuild, *journals, damaged, unread);
    // Whoever may not see volumes is told of what has a journal.
    if (!rebuilt.ok() && rebuilt.error().kind != ErrorKind::kForbidden) return context.fail(rebuilt.error());
    for (const auto& name : damaged) {
        const auto told = std::find_if(unread.begin(), unread.end(),
                                       [&](const plan::Journal& one) { return plan::names_journal(name, one); });
        context.console().err(
            "warning: " + escape_line(name) +
            (told == unread.end() ? ": the journal is damaged and was skipped" : "\n  " + escape_line(told->message)) +
            "\n");
    }
    journals->insert(journals->end(), unread.begin(), unread.end());
    const auto owners = plan::look_at_owners(reader, *journals, context.self(), context.clock().now());
    if (!owners.ok()) return context.fail(owners.error());
    std::vector<plan::OperationStatus> all;
    for (std::size_t i = 0; i < journals->size(); ++i) all.push_back(plan::describe((*journals)[i], (*owners)[i]));
    const auto forgotten = plan::forgotten_workloads(reader, space, *journals);
    if (!forgotten.ok()) return context.fail(forgotten.error());
    if (!rebuilt.ok() && !forgotten->empty())
        context.console().err("warning: whether claims and volumes tell of more operations could not be seen: " +
                              escape_line(rebuilt.error().message) + "\n");
    print_list(context, all, *forgotten, space);
    return kDone;
}

int run_status(Context& context, const Arguments& arguments) {
    const auto space = context.space();
    if (!space.ok()) return context.fail(space.error());
    const auto reader = context.reader();
    if (!reader.ok()) return context.fail(reader.error());
    if (!arguments.positionals.empty()) return print_one(context, **reader, *space, arguments.positionals.front());
    return print_all(context, **reader, arguments.flag("all-namespaces") ? "" : *space);
}

}  // namespace

Command status_command() {
    Command command;
    command.name = "status";
    command.summary = "Show unfinished operations, of all Holdfast plugins";
    command.description =
        "Without a name lists them; with one shows who works on it, what it does, and the commands that go on with it "
        "or take it back. Workloads that carry a mark of an operation of which nothing else tells any more are warned "
        "of.";
    command.usage = "[OPERATION] [flags]";
    command.positionals_max = 1;
    command.completes = {Completes::kOperation};
    Option everywhere;
    everywhere.name = "all-namespaces";
    everywhere.short_name = 'A';
    everywhere.kind = Option::Kind::kFlag;
    everywhere.help = "list those of all namespaces";
    command.options = {everywhere};
    command.outputs = {"table", "json", "yaml", "name"};
    command.examples = {{"What is unfinished in this namespace", "kubectl snap status"},
                        {"One operation", "kubectl snap status snap-postgres-7k2m"}};
    command.rules = {Rule{{"list"}, kube::kConfigMaps, "", "", false, ""},
                     Rule{{"get"}, kube::kConfigMaps, "", "OPERATION", false, ""},
                     Rule{{"get"}, kube::kLeases, "", "unfinished operations", false, ""},
                     Rule{{"list"}, kube::kStatefulSets, "", "marks of lost operations", false, ""},
                     Rule{{"list"}, kube::kDeployments, "", "marks of lost operations", false, ""}};
    command.read = run_status;
    return command;
}

}  // namespace holdfast::app
