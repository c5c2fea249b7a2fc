#include "tests/crash/fault.h"
#include "tests/crash/mutants.h"
#include "tests/crash/stage.h"

#include <algorithm>

namespace holdfast::crash {
namespace {

constexpr std::size_t kStops = 12;  // of a run, to see what plans it makes from there

Ending run_seen(sim::Sim& sim, const CommandLine& line, const Injection& injection, const Witness& witness, int pid) {
    sim::SimClock clock(sim);
    CaseSignals signals;
    const Machine machine{sim, clock, signals, nullptr, witness};
    FaultGate gate(machine, injection);
    Ending ending = run_command(line, machine, gate, pid);
    (void)sim.settle(sim::milliseconds(900000));
    return ending;
}

// The plans of a recovery and of the way back.
void see_ways_out(const Entry& entry, const Reference& reference, const Witness& witness) {
    const std::size_t every = reference.calls.size() / kStops + 1;
    const bool aborts = std::find(entry.ways.begin(), entry.ways.end(), Way::kAbort) != entry.ways.end();
    for (std::size_t i = every / 2; i < reference.calls.size(); i += every) {
        const int boundary = static_cast<int>(i);
        sim::Sim interrupted = reference.start;
        run_seen(interrupted, reference.line, {boundary, Fault::kInterrupt}, witness, kFirst);
        if (!aborts) continue;
        sim::Sim killed = reference.start;
        run_seen(killed, reference.line, {boundary, Fault::kKillBefore}, witness, kFirst);
        killed.advance(sim::milliseconds(15000));
        const auto open = open_operations(killed);
        if (open.empty()) continue;
        run_seen(killed, {reference.line.plugin, {"abort", open.front(), "--yes"}}, {}, witness, kSecond);
    }
}

}  // namespace

std::vector<Mutant> find_mutants(const sim::Sim& world, const std::vector<const Entry*>& lines,
                                 std::map<std::string, Reference>& references) {
    std::map<std::string, Mutant> found;
    for (const Entry* entry : lines) {
        const std::string command = entry->plugin + " " + entry->command;
        const auto note = [&](Mutation one) {
            Mutant& mutant = found[command + " " + one.id()];
            mutant.command = command;
            if (!one.object.empty()) mutant.objects.insert(one.object);
            mutant.mutation = std::move(one);
            auto& all = mutant.lines;
            if (std::find(all.begin(), all.end(), entry) == all.end()) all.push_back(entry);
        };
        const Witness witness{[&](const plan::Plan& plan) {
                                  for (Mutation& one : mutations_of(plan)) note(std::move(one));
                              },
                              [&](const std::set<std::string>& resources) {
                                  for (const std::string& resource : resources) note({"no-reread", resource});
                              }};
        references[entry->name] = make_reference(world, *entry, witness);
        see_ways_out(*entry, references[entry->name], witness);
    }
    std::vector<Mutant> mutants;
    for (auto& [name, mutant] : found) {
        std::stable_sort(mutant.lines.begin(), mutant.lines.end(), [&](const Entry* a, const Entry* b) {
            return references.at(a->name).calls.size() < references.at(b->name).calls.size();
        });
        mutants.push_back(std::move(mutant));
    }
    return mutants;
}

}  // namespace holdfast::crash
