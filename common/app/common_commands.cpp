#include "common/app/complete.h"
#include "common/app/context.h"
#include "common/app/doctor.h"
#include "common/app/exit_code.h"
#include "common/app/help.h"
#include "common/app/operation_commands.h"
#include "common/app/parse.h"
#include "common/app/rbac.h"
#include "common/app/version.h"
#include "common/core/text.h"

namespace holdfast::app {

namespace {

int run_options(Context& context, const Arguments&) {
    context.console().out(options_help(context.plugin()));
    return kDone;
}

int run_help(Context& context, const Arguments& arguments) {
    if (arguments.positionals.empty()) {
        context.console().out(plugin_help(context.plugin()));
        return kDone;
    }
    const Command* command = find_command(context.plugin(), arguments.positionals.front());
    if (command == nullptr) {
        return context.fail({ErrorKind::kUsage, "unknown command \"" + escape_line(arguments.positionals.front()) +
                                                    "\" for \"kubectl " + context.plugin().name + "\""});
    }
    context.console().out(command_help(context.plugin(), *command));
    return kDone;
}

Command options_command() {
    Command command;
    command.name = "options";
    command.summary = "List the flags that every command has";
    command.hidden = true;
    command.read = run_options;
    return command;
}

Command help_command() {
    Command command;
    command.name = "help";
    command.summary = "Help about a command";
    command.usage = "[COMMAND]";
    command.positionals_max = 1;
    command.hidden = true;
    command.read = run_help;
    return command;
}

// The texts are written for snap; each plugin shows its own name.
void name_after(Plugin& plugin, Command& command) {
    const std::string written = "kubectl snap ";
    for (auto& example : command.examples) {
        for (auto at = example.command.find(written); at != std::string::npos;
             at = example.command.find(written, at + 1)) {
            example.command.replace(at, written.size(), "kubectl " + plugin.name + " ");
        }
    }
}

}  // namespace

void add_common_commands(Plugin& plugin) {
    for (Command command :
         {status_command(), resume_command(), abort_command(), gc_command(), doctor_command(), rbac_command(),
          completion_command(), version_command(), options_command(), help_command()}) {
        name_after(plugin, command);
        plugin.commands.push_back(std::move(command));
    }
}

}  // namespace holdfast::app
