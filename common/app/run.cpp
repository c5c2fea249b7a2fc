// main() of every plugin: from argv to the exit code. Nothing else in the project ends the process.
#include "common/app/complete.h"
#include "common/app/exit_code.h"
#include "common/app/help.h"
#include "common/app/operate.h"
#include "common/app/parse.h"
#include "common/app/sentence.h"
#include "common/app/session.h"
#include "common/app/version.h"
#include "common/core/log.h"
#include "common/core/text.h"

#include <exception>

namespace holdfast::app {

namespace {

// "See ... -h" names the command that was meant, as far as it is known.
int wrong_words(const Plugin& plugin, const std::vector<std::string>& words, const Error& error, Console& console) {
    console.err(error_text(error));
    if (error.kind == ErrorKind::kUsage) {
        const Command* command = meant(plugin, words);
        const std::string name = "kubectl " + plugin.name + (command == nullptr ? "" : " " + command->name);
        console.err("See '" + name + " -h' for help and examples\n");
    }
    return exit_code(error, false);
}

void console_error(const Process& process, const std::string& message) {
    process.console.err("error: " + message + "\n");
}

int run_handler(Session& session, const Command& command, const Arguments& arguments) {
    if (command.operation) return operate(session, command, arguments, std::nullopt);
    if (command.act) return command.act(session, arguments);
    return command.read(session, arguments);
}

int run_command(const Plugin& plugin, const Invocation& invocation, const Process& process) {
    const Command& command = *invocation.command;
    log::set_verbosity(invocation.common.verbosity);
    Session session(plugin, invocation, process);
    const int code = run_handler(session, command, invocation.arguments);
    if (code != kDone || !invocation.common.warnings_as_errors || session.warnings() == 0) return code;
    const int count = session.warnings();
    console_error(process, std::to_string(count) + (count == 1 ? " warning received" : " warnings received"));
    return kFailed;
}

// A reader that went away ("list | head") is no failure of a read; commands that write say so by themselves.
int flushed(int code, Console& console) {
    if (console.flush() || console.out_closed() || code != kDone) return code;
    console.err("error: standard output cannot be written to\n");
    return kFailed;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

int run_words(const Plugin& plugin, const std::vector<std::string>& words, const Process& process) {
    const auto invocation = parse(plugin, words);
    if (!invocation.ok()) return wrong_words(plugin, words, invocation.error(), process.console);
    switch (invocation->kind) {
        case Invocation::Kind::kHelp:
            process.console.out(invocation->command == nullptr ? plugin_help(plugin)
                                                               : command_help(plugin, *invocation->command));
            return kDone;
        case Invocation::Kind::kVersion:
            process.console.out("kubectl-" + plugin.name + " " + version_text() + "\n");
            return kDone;
        case Invocation::Kind::kRun:
            return run_command(plugin, *invocation, process);
    }
    return kFailed;
}

int run(Plugin plugin, int argc, char** argv) {
    protect_standard_streams();
    const ProcessSignals signals;
    const Environment environment = Environment::of_process();
    ProcessConsole console;
    RealClock clock;
    const Process process{environment, console, clock, signals};
    std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    try {
        if (starts_with(base_name(argc > 0 ? argv[0] : ""), "kubectl_complete-"))
            return complete(plugin, words, process);
        if (!words.empty() && words.front() == "__complete") {
            words.erase(words.begin());
            return complete(plugin, words, process);
        }
        return flushed(run_words(plugin, words, process), console);
    } catch (const std::exception& error) {
        // Our code does not throw: this is a mistake of ours, or memory has run out.
        console.err("error: internal: " + escape_line(error.what()) +
                    "\nRun the same command again: an operation goes on where it stopped\n");
        return kFailed;
    }
}

}  // namespace holdfast::app
