#include "tests/crash/stage.h"

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{900000};

}  // namespace

Stage::Stage(const Reference& reference, const Case& one)
    : sim(reference.start), clock(sim), invariants(reference.start), case_(one) {
    if (one.entry->deletes == Deletes::kSnapshots) invariants.release_cuts();
    if (one.entry->deletes == Deletes::kKeptVolumes) invariants.release_kept();
    invariants.watch(sim);
}

Ending Stage::once(const CommandLine& line, const Injection& injection, const std::string& what, int pid) {
    signals.raised = 0;
    const Machine machine{sim, clock, signals, case_.mutation};
    FaultGate gate(machine, injection);
    Ending ending = run_command(line, machine, gate, pid);
    if (!injection.somebody) judgement.happened = judgement.happened || gate.happened();
    if (!gate.theirs().name.empty()) {
        theirs = gate.theirs();
        theirs_uid = gate.theirs_uid();
        theirs_text = gate.theirs_text();
    }
    if (pid != kFirst) judgement.second_calls = static_cast<int>(gate.calls().size());
    judgement.told += "    " + what + ": " + line.text() + "\n    -> " +
                      (ending.killed ? "killed" : "exit " + std::to_string(ending.exit_code)) + "\n" + ending.out +
                      ending.err;
    // I14: the canary stands in the environment of every container.
    for (const std::string& text : {ending.out, ending.err}) {
        if (text.find("canary-5ecret") != std::string::npos) violated("I14: a secret was printed");
    }
    return ending;
}

bool Stage::settled() {
    if (sim.settle(kSettle)) return true;
    violated("the cluster does not come to rest");
    return false;
}

Judgement Stage::done() {
    for (const std::string& what : invariants.violations()) violated(what);
    judgement.looks = invariants.looks();
    judgement.unseen_deletions = invariants.unseen_deletions();
    return std::move(judgement);
}

}  // namespace holdfast::crash
