#include "tests/crash/command.h"

#include "common/app/session.h"
#include "common/core/text.h"
#include "common/os/environment.h"
#include "tests/crash/memory.h"
#include "tests/crash/mutate.h"
#include "tests/crash/plugins.h"
#include "tests/sim/actors.h"
#include "tests/sim/process.h"
#include "tests/sim/sim_cluster.h"

#include <exception>
#include <map>

namespace holdfast::crash {
namespace {

struct TextConsole : Console {
    explicit TextConsole(const CaseSignals& around) : process(around) {}
    const CaseSignals& process;
    std::string out_text, err_text;
    void out(std::string_view text) override { out_text += text; }
    void err(std::string_view text) override { err_text += text; }
    bool flush() override { return !process.reader_gone; }
    bool out_broken() const override { return process.reader_gone; }
    bool in_is_terminal() const override { return false; }
    bool out_is_terminal() const override { return false; }
    bool err_is_terminal() const override { return false; }
    int err_columns() const override { return 80; }
    std::optional<std::string> read_line() override { return std::nullopt; }
};

// Tables are values that never change: each is made once, also those of a mutant.
const app::Plugin& plugin_named(const std::string& name, const Mutation* mutation) {
    static std::map<std::string, app::Plugin> tables;
    const std::string key = mutation == nullptr ? name : name + " " + mutation->id();
    const auto found = tables.find(key);
    if (found != tables.end()) return found->second;
    app::Plugin plugin = plugin_of(name);
    if (mutation != nullptr) plugin = with_mutation(std::move(plugin), *mutation);
    return tables.emplace(key, std::move(plugin)).first->second;
}

}  // namespace

std::string CommandLine::text() const { return "kubectl " + plugin + " " + join(words, " "); }

Ending run_command(const CommandLine& line, Machine machine, sim::Gate& gate, int pid) {
    sim::become_process(pid, machine.sim.dice.next());
    TextConsole console(machine.signals);
    const Environment environment;
    sim::SimCluster cluster(machine.sim, gate);
    sim::SimPods pods(machine.sim, gate);
    sim::SimSql sql(machine.sim, gate);
    sim::SimAttendant attendant(machine.sim, [&] { ++machine.signals.raised; });
    // The same user, on the second cluster.
    sim::Sim& there = machine.sim.other() == nullptr ? machine.sim : *machine.sim.other();
    sim::SimCluster there_cluster(there, gate, &there != &machine.sim);
    sim::SimPods there_pods(there, gate);
    sim::SimSql there_sql(there, gate);
    const plan::OtherCluster other{there_cluster, &there_pods, &there_sql};
    const app::StandIns stand_ins{
        cluster, &pods, &sql, &attendant, kSpace, plan::this_process(), &there == &machine.sim ? nullptr : &other};
    const app::Process process{environment, console, machine.clock, machine.signals, &stand_ins};
    Ending ending;
    const bool lived = outlives([&] {
        try {
            ending.exit_code =
                machine.witness.plan == nullptr
                    ? app::run_words(plugin_named(line.plugin, machine.mutation), line.words, process)
                    : app::run_words(seen_by(plugin_of(line.plugin), machine.witness), line.words, process);
        } catch (const sim::Killed&) {
            ending.killed = true;
        } catch (const std::exception& error) {  // memory has run out: as app::run ends it
            spare_memory();
            console.err("error: internal: " + std::string(error.what()) + "\n");
            ending.exit_code = 1;
        }
    });
    spare_memory();
    if (!lived) ending.killed = true;
    ending.out = std::move(console.out_text);
    ending.err = std::move(console.err_text);
    return ending;
}

}  // namespace holdfast::crash
