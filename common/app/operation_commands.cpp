#include "common/app/operation_commands.h"

#include "common/app/entries.h"
#include "common/app/exit_code.h"
#include "common/app/operate.h"
#include "common/app/rbac.h"
#include "common/app/session.h"
#include "common/core/text.h"
#include "common/plan/gc.h"
#include "common/plan/operation.h"
#include "common/plan/operations.h"

#include <nlohmann/json.hpp>

namespace holdfast::app {

namespace {

// The journal that ID names, in the namespace in force.
Result<plan::Journal> journal_of(Session& session, const std::string& operation) {
    TRY_ASSIGN(const std::string space, session.space());
    TRY_ASSIGN(auto* reader, session.reader());
    return plan::read_or_rebuild(*reader, space, operation, session.plugin().rebuild);
}

Result<Arguments> arguments_of(const plan::Journal& journal) {
    Arguments arguments;
    try {
        arguments.positionals = journal.arguments.at("positionals").get<std::vector<std::string>>();
        arguments.values = journal.arguments.at("values").get<std::map<std::string, std::vector<std::string>>>();
    } catch (const nlohmann::json::exception& error) {
        return Error{
            ErrorKind::kInvalid,
            "the journal of " + journal.operation + " is damaged: its arguments cannot be read: " + error.what(),
            "nothing was changed; run the original command line again"};
    }
    return arguments;
}

int resume(Session& session, const Arguments& arguments) {
    const auto journal = journal_of(session, arguments.positionals.front());
    if (!journal.ok()) return session.fail(journal.error());
    if (journal->plugin != session.plugin().name) {
        return session.fail({ErrorKind::kUsage, journal->operation + " is an operation of kubectl " + journal->plugin,
                             resume_line(journal->plugin, journal->operation, journal->space)});
    }
    const Command* command = find_command(session.plugin(), journal->command);
    if (command == nullptr || !command->operation) {
        return session.fail({ErrorKind::kRefused,
                             journal->operation + " was begun by the command \"" + escape_line(journal->command) +
                                 "\", which this version does not have; nothing was changed",
                             "upgrade to " + escape_line(journal->version)});
    }
    auto recorded = arguments_of(*journal);
    if (!recorded.ok()) return session.fail(recorded.error());
    for (const auto& option : command->options) recorded->defaults[option.name] = option.default_value;
    session.use_space(journal->space);
    return operate(session, *command, *recorded, journal->operation);
}

// The operation that a journal is of, made again from its own command line; null if this plugin has no such command.
Result<std::unique_ptr<plan::Operation>> operation_of(Session& session, const plan::Journal& journal) {
    const Command* command =
        journal.plugin == session.plugin().name ? find_command(session.plugin(), journal.command) : nullptr;
    if (command == nullptr || !command->operation) return std::unique_ptr<plan::Operation>();
    TRY_ASSIGN(Arguments recorded, arguments_of(journal));
    for (const auto& option : command->options) recorded.defaults[option.name] = option.default_value;
    session.use_space(journal.space);
    return command->operation(session, recorded);
}

// By the operation's own way back, if it has one, else by removing what it created.
Result<plan::Plan> way_back(Session& session, kube::ClusterReader& reader, const plan::Journal& journal) {
    TRY_ASSIGN(plan::Plan generic, plan::plan_abort(reader, journal));
    const auto made = operation_of(session, journal);
    const bool recorded = journal.record.is_object() && !journal.record.empty();
    // What its command line names may be gone since, the file of a query or the folder of a report. Where nothing was
    // recorded, nothing has to be taken back but what it created.
    if (!made.ok() && recorded) return made.error();
    plan::Operation* const operation = made.ok() ? made->get() : nullptr;
    if (operation == nullptr) {
        if (!recorded) return generic;
        return Error{ErrorKind::kUsage, journal.operation + " is an operation of kubectl " + journal.plugin,
                     abort_line(journal.plugin, journal.operation, journal.space)};
    }
    plan::Input input;
    input.operation = journal.operation;
    input.resuming = true;
    input.now = journal.started;
    input.record = journal.record;
    TRY_ASSIGN(std::optional<plan::Plan> own, operation->take_back(reader, input));
    if (!own) return generic;
    own->operation = journal.operation;
    return std::move(*own);
}

}  // namespace

bool can_be_aborted(Session& session, kube::ClusterReader& reader, const plan::Journal& journal) {
    const auto back = way_back(session, reader, journal);
    return back.ok() || back.error().kind != ErrorKind::kRefused;
}

namespace {

int abort_operation(Session& session, const Arguments& arguments) {
    auto journal = journal_of(session, arguments.positionals.front());
    if (!journal.ok()) return session.fail(journal.error());
    auto reader = session.reader();
    if (!reader.ok()) return session.fail(reader.error());
    const auto owners = plan::look_at_owners(**reader, {*journal}, session.self(), session.clock().now());
    if (!owners.ok()) return session.fail(owners.error());
    if (owners->front().life == plan::Life::kLive)
        return session.fail(plan::in_the_way(journal->operation, owners->front()));
    const plan::WayBack back = [&](kube::ClusterReader& from) { return way_back(session, from, *journal); };
    const auto plan = back(**reader);
    if (!plan.ok()) return session.fail(plan.error());
    const auto result = carry_out_abort(session, *plan, *journal, back);
    if (!result.status.ok()) return fail_started(session, result.status.error(), result.wrote);
    if (!result.acted) return kDone;
    session.console().out("operation/" + journal->operation + " aborted\n");
    return session.console().flush() ? kDone : kResumable;
}

int gc(Session& session, const Arguments&) {
    const auto space = session.space();
    if (!space.ok()) return session.fail(space.error());
    auto reader = session.reader();
    if (!reader.ok()) return session.fail(reader.error());
    const plan::Patience patience{session.clock(), session.signals(),
                                  [&](const std::string& text) { session.console().err(text + "\n"); }};
    const auto plan = plan::plan_gc(**reader, *space, session.self(), patience);
    if (!plan.ok()) return session.fail(plan.error());
    if (plan->steps.empty()) {
        for (const auto& note : plan->notes) session.console().err(escape_line(note) + "\n");
        session.console().out("nothing to remove in namespace " + *space + "\n");
        return kDone;
    }
    const auto result = carry_out(session, *plan);
    if (!result.status.ok()) return fail_started(session, result.status.error(), result.wrote);
    if (!result.acted) return kDone;
    session.console().out(std::to_string(plan->steps.size()) + " steps done in namespace " + *space + "\n");
    return session.console().flush() ? kDone : kResumable;
}

}  // namespace

Command resume_command() {
    Command command;
    command.name = "resume";
    command.summary = "Go on with an unfinished operation";
    command.description =
        "Goes on where the operation stopped. What is done already is seen as done; nothing is done twice. Running the "
        "original command "
        "line again is the same.";
    command.usage = "OPERATION [flags]";
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kOperation};
    command.outputs = {"table", "json", "yaml", "name"};
    command.examples = {{"Go on with what `status` lists", "kubectl snap resume snap-postgres-7k2m"}};
    command.rules = {rule({"get", "update", "delete"}, kube::kConfigMaps),
                     rule({"get", "create", "update", "delete"}, kube::kLeases)};
    command.act = resume;
    return command;
}

Command abort_command() {
    Command command;
    command.name = "abort";
    command.summary = "Take an unfinished operation back to its start";
    command.description =
        "Removes what the operation has created, last first, and nothing else: only objects that carry its id. Refused "
        "after the point of "
        "no return, and while the process that began it still runs.";
    command.usage = "OPERATION [flags]";
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kOperation};
    command.examples = {{"See what would be removed", "kubectl snap abort snap-postgres-7k2m --dry-run"},
                        {"Remove it", "kubectl snap abort snap-postgres-7k2m --yes"}};
    command.rules = {rule({"get", "update", "delete"}, kube::kConfigMaps),
                     rule({"get", "create", "update", "delete"}, kube::kLeases)};
    command.act = abort_operation;
    return command;
}

Command gc_command() {
    Command command;
    command.name = "gc";
    command.summary = "List and remove what dead operations have left";
    command.description =
        "Removes throwaway objects of drills and their like whose operation is no longer alive. Never a volume, a "
        "claim or a snapshot that "
        "somebody may want: only the throwaway claims of a drill. Lists first, then asks.";
    command.usage = "[flags]";
    command.examples = {{"List only", "kubectl snap gc --dry-run"},
                        {"Remove without being asked", "kubectl snap gc --yes"}};
    for (const kube::Resource* resource : {&kube::kConfigMaps, &kube::kPods, &kube::kClaims, &kube::kNetworkPolicies})
        command.rules.push_back(rule({"get", "list", "watch", "delete"}, *resource));
    command.rules.push_back(rule({"get", "list", "watch", "delete"}, kube::kLeases));
    Rule volumes = rule({"get", "list", "watch", "patch"}, kube::kVolumes);
    volumes.when = "drills, a lost journal";
    command.rules.push_back(volumes);
    command.act = gc;
    return command;
}

}  // namespace holdfast::app
