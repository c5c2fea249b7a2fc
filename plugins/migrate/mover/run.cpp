#include "plugins/migrate/mover/commands.h"

#include "common/core/text.h"

#include <sys/stat.h>

namespace holdfast::mover {
namespace {

// stdout is for results: an outcome for programs also when the data is not as expected.
int say_error(const Options& options, const Error& error, World world) {
    world.console.err("error: " + error.message + "\n");
    if (!error.hint.empty()) world.console.err("try: " + error.hint + "\n");
    const int code = exit_code_of(error, world.started, world.signals);
    if ((code == 5 || code >= 128) && options.command == "verify")
        world.console.err("the target is untouched; run the same command again\n");
    else if (code == 5 || code >= 128)
        world.console.err("the source is untouched; run the same command again to go on\n");
    if (options.json) {
        Outcome outcome;
        outcome.command = options.command;
        world.console.out(outcome_json(outcome, &error));
    }
    return code;
}

Result<Outcome> run_command(const Options& options, World world) {
    if (options.command == "copy") return run_copy(options, world);
    if (options.command == "send") return run_send(options, world);
    if (options.command == "receive") return run_receive(options, world);
    return run_verify(options, world);
}

std::string done_all_the_same(const Options& options, const Outcome& outcome) {
    if (options.command == "verify") return "the target is as expected";
    return std::string("the copy itself is done") + (outcome.verdict ? " and was read back" : "");
}

}  // namespace

int run_mover(int argc, char** argv) {
    protect_standard_streams();
    ProcessConsole console;
    RealClock clock;
    const ProcessSignals signals;
    umask(0);  // modes are the source's, not ours
    Result<Options> parsed = parse_options(argc, argv);
    if (!parsed.ok()) {
        console.err("error: " + parsed.error().message + "\ntry: " + parsed.error().hint + "\n");
        return 2;
    }
    Options& options = *parsed;
    if (options.help || options.version) {
        console.out(options.help ? help_text(options.command) : std::string("holdfast-mover " HOLDFAST_VERSION "\n"));
        return console.flush() ? 0 : 5;
    }
    if (!options.progress_given && console.err_is_terminal()) options.progress = ProgressMode::kBar;
    Counters counters;
    Progress progress(options.progress, console, clock, counters);
    bool started = false;
    const World world{console, clock, signals, counters, progress, started};
    const Result<Outcome> outcome = run_command(options, world);
    progress.close();
    if (!outcome.ok()) return say_error(options, outcome.error(), world);
    console.out(options.json ? outcome_json(*outcome, nullptr) : outcome_text(*outcome));
    if (console.flush()) return 0;
    console.err("error: the result could not be written to stdout; " + done_all_the_same(options, *outcome) + "\n");
    return 5;
}

}  // namespace holdfast::mover
