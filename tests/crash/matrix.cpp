#include "tests/crash/matrix.h"

#include "tests/crash/fault.h"
#include "tests/crash/plugins.h"
#include "tests/crash/state.h"

#include <cstdio>
#include <cstdlib>

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{600000};

}  // namespace

std::string way_name(Way way) {
    static constexpr const char* kNames[] = {"rerun", "resume", "abort", "gc"};
    return kNames[static_cast<int>(way)];
}

void must_run(sim::Sim& sim, const CommandLine& line) {
    sim::SimClock clock(sim);
    CaseSignals signals;
    const Machine machine{sim, clock, signals};
    FaultGate gate(machine, {});
    const Ending ending = run_command(line, machine, gate, 50);
    if (ending.exit_code != 0 || !sim.settle(kSettle)) {
        std::fprintf(stderr, "%s: exit %d\n%s%s", line.text().c_str(), ending.exit_code, ending.out.c_str(),
                     ending.err.c_str());
        std::exit(2);
    }
}

namespace {

struct Kill {
    Fault fault;
    std::function<bool(const sim::Call&)> chosen;
    bool last = false;  // at the last such request: those before it are rehearsals
};

void kill(sim::Sim& sim, const CommandLine& line, const Kill& kill) {
    int boundary = -1;
    {
        sim::Sim trial = sim;
        sim::SimClock clock(trial);
        CaseSignals signals;
        const Machine machine{trial, clock, signals};
        FaultGate gate(machine, {});
        run_command(line, machine, gate, 51);
        for (std::size_t i = 0; i < gate.calls().size(); ++i) {
            if ((boundary < 0 || kill.last) && kill.chosen(gate.calls()[i])) boundary = static_cast<int>(i);
        }
    }
    sim::SimClock clock(sim);
    CaseSignals signals;
    const Machine machine{sim, clock, signals};
    FaultGate gate(machine, {boundary, kill.fault});
    const Ending ending = run_command(line, machine, gate, 51);
    if (ending.killed && sim.settle(kSettle)) return;
    std::fprintf(stderr, "%s: was to be killed: exit %d\n%s", line.text().c_str(), ending.exit_code,
                 ending.err.c_str());
    std::exit(2);
}

}  // namespace

void kill_at(sim::Sim& sim, const CommandLine& line, sim::Verb verb) {
    kill_at(sim, line, [verb](const sim::Call& call) { return call.verb == verb; });
}

void kill_at(sim::Sim& sim, const CommandLine& line, const std::function<bool(const sim::Call&)>& chosen) {
    kill(sim, line, {Fault::kKillBefore, chosen});
}

void kill_after(sim::Sim& sim, const CommandLine& line, sim::Verb verb, const kube::Resource& resource) {
    const auto chosen = [&](const sim::Call& call) { return call.verb == verb && call.ref.resource == resource; };
    kill(sim, line, {Fault::kKillAfterCommit, chosen, true});
}

std::function<CommandLine(const sim::Sim&)> always(CommandLine line) {
    return [line = std::move(line)](const sim::Sim&) { return line; };
}

std::function<CommandLine(const sim::Sim&)> on_operation(const std::string& plugin, const std::string& command) {
    return [plugin, command](const sim::Sim& sim) {
        const auto open = open_operations(sim);
        return CommandLine{plugin, {command, open.empty() ? done_operations(sim).front() : open.front(), "--yes"}};
    };
}

void make_set(sim::Sim& sim) {
    must_run(sim, {"snap", {"create", "sts/postgres", "--name", "before", "--wait", "ready"}});
    must_run(sim, {"snap", {"create", "deploy/files", "--name", "papers", "--wait", "ready"}});
}

const std::vector<Entry>& matrix() {
    static const std::vector<Entry> kMatrix = [] {
        std::vector<Entry> all;
        for (const TestedPlugin& plugin : plugins()) {
            for (Entry& entry : plugin.entries()) all.push_back(std::move(entry));
        }
        for (Entry& entry : common_entries()) all.push_back(std::move(entry));
        return all;
    }();
    return kMatrix;
}

}  // namespace holdfast::crash
