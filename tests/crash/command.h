// Runs one command line of a plugin, unchanged code from parsing to the exit code, on a simulated cluster.
#pragma once

#include "tests/sim/gate.h"
#include "tests/sim/sim.h"

#include "common/os/signals.h"
#include "common/plan/step.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

struct CommandLine {
    std::string plugin;  // "snap"
    std::vector<std::string> words;
    std::string text() const;
};

struct Ending {
    bool killed = false;
    int exit_code = -1;
    std::string out, err;
};

// What befalls the simulated process from outside: a gate raises its signals and takes the reader of its output away.
struct CaseSignals : Signals {
    int raised = 0;
    int number = 2;  // SIGINT; SIGTERM and SIGHUP count the same
    bool reader_gone = false;
    mutable bool shielded = false;
    int count() const override { return shielded && raised > 1 ? 1 : raised; }
    void shield(bool on) const override { shielded = on; }
    int last() const override { return raised > 0 ? number : 0; }
};

struct Mutation;
// What is told of the plugin's operations while they run.
struct Witness {
    std::function<void(const plan::Plan&)> plan = nullptr;                               // every plan
    std::function<void(const std::set<std::string>& resources)> looked_again = nullptr;  // what later looks read
};

struct Machine {
    sim::Sim& sim;
    sim::SimClock& clock;
    CaseSignals& signals;
    const Mutation* mutation = nullptr;  // a safeguard that the plugin's plans lack
    Witness witness = {};
};

// pid: of the simulated process; the one before it is dead.
Ending run_command(const CommandLine& line, Machine machine, sim::Gate& gate, int pid);

inline constexpr char kSpace[] = "bookstore";

}  // namespace holdfast::crash
