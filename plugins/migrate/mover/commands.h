// What the mover does, each for the options given. The outcome is for stdout; errors have what holds now.
#pragma once

#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/os/signals.h"
#include "plugins/migrate/mover/options.h"
#include "plugins/migrate/mover/report.h"

namespace holdfast::mover {

struct World {
    Console& console;
    Clock& clock;
    const Signals& signals;
    Counters& counters;
    Progress& progress;
    bool& started;  // set once something of the target may have been changed
};

Result<Outcome> run_copy(const Options& options, World world);
Result<Outcome> run_send(const Options& options, World world);
Result<Outcome> run_receive(const Options& options, World world);
Result<Outcome> run_verify(const Options& options, World world);

// Parses, runs, prints; the exit code.
int run_mover(int argc, char** argv);

}  // namespace holdfast::mover
