#include "tests/crash/matrix.h"

#include "tests/crash/fault.h"
#include "tests/crash/state.h"

#include <cstdio>
#include <cstdlib>

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{600000};

const std::vector<Way> kAll = {Way::kRerun, Way::kResume, Way::kAbort};
const std::vector<Way> kThrowaways = {Way::kRerun, Way::kResume, Way::kAbort, Way::kGc};
// --post is run by a rerun and a resume; abort leaves it to the user, and says so.
const std::vector<Way> kForward = {Way::kRerun, Way::kResume};
const std::vector<Way> kAgain = {Way::kRerun};
constexpr int kNothingLeft = 1;  // "not found": it was deleted, or its journal is gone
constexpr int kNameTaken = 3;    // a fixed name is not snapshot twice, however it came to be there

CommandLine snap(std::vector<std::string> words) { return {"snap", std::move(words)}; }
CommandLine restore(std::vector<std::string> words) { return {"restore", std::move(words)}; }

std::function<CommandLine(const sim::Sim&)> always(CommandLine line) {
    return [line = std::move(line)](const sim::Sim&) { return line; };
}

const std::vector<std::string> kCreate = {"create", "sts/postgres", "--name", "before", "--app", "none"};

CommandLine create_with(std::vector<std::string> more) {
    more.insert(more.begin(), kCreate.begin(), kCreate.end());
    return snap(std::move(more));
}

CommandLine drill() { return restore({"drill", "before", "--query", "select 42", "--expect", "42", "--ordinal", "0"}); }

void make_set(sim::Sim& sim) {
    must_run(sim, snap({"create", "sts/postgres", "--name", "before", "--wait", "ready"}));
    must_run(sim, snap({"create", "deploy/files", "--name", "papers", "--wait", "ready"}));
}

// A drill that was killed when it was about to ask its databases: everything of it is there.
void leave_drill(sim::Sim& sim) {
    make_set(sim);
    kill_at(sim, drill(), sim::Verb::kSql);
}

CommandLine in_place() { return restore({"sts/postgres", "--from", "before", "--in-place", "--accept-skew", "--yes"}); }

void swap_volumes(sim::Sim& sim) {
    make_set(sim);
    must_run(sim, in_place());
}

// Bad input 50: killed when every volume was marked, and then somebody deleted the journal.
void lose_journal(sim::Sim& sim) {
    make_set(sim);
    kill_at(sim, in_place(), sim::Verb::kDelete);
    sim.store.erase({kube::kConfigMaps, kSpace, "holdfast-op-" + open_operations(sim).front()});
}

std::function<CommandLine(const sim::Sim&)> on_operation(const std::string& plugin, const std::string& command) {
    return [plugin, command](const sim::Sim& sim) {
        const auto open = open_operations(sim);
        return CommandLine{plugin, {command, open.empty() ? done_operations(sim).front() : open.front(), "--yes"}};
    };
}

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

void kill_at(sim::Sim& sim, const CommandLine& line, sim::Verb verb) {
    int boundary = -1;
    {
        sim::Sim trial = sim;
        sim::SimClock clock(trial);
        CaseSignals signals;
        const Machine machine{trial, clock, signals};
        FaultGate gate(machine, {});
        run_command(line, machine, gate, 51);
        for (std::size_t i = 0; i < gate.calls().size() && boundary < 0; ++i) {
            if (gate.calls()[i].verb == verb) boundary = static_cast<int>(i);
        }
    }
    sim::SimClock clock(sim);
    CaseSignals signals;
    const Machine machine{sim, clock, signals};
    FaultGate gate(machine, {boundary, Fault::kKillBefore});
    const Ending ending = run_command(line, machine, gate, 51);
    if (ending.killed && sim.settle(kSettle)) return;
    std::fprintf(stderr, "%s: was to be killed: exit %d\n%s", line.text().c_str(), ending.exit_code,
                 ending.err.c_str());
    std::exit(2);
}

const std::vector<Entry>& matrix() {
    static const std::vector<Entry> kMatrix = {
        {"snap-create", "snap", "create", nullptr, always(create_with({})), kAll, kNameTaken},
        {"snap-create-ready", "snap", "create", nullptr, always(create_with({"--wait", "ready"})), kAll, kNameTaken,
         nullptr, 5},
        {"snap-create-app", "snap", "create", nullptr, always(snap({"create", "sts/postgres", "--name", "before"})),
         kAll, kNameTaken, always(snap(kCreate)), 5},
        {"snap-create-pre", "snap", "create", nullptr,
         always(create_with({"--quiesce", "exec", "--pre", "freeze", "--post", "thaw"})), kForward, kNameTaken,
         always(snap(kCreate)), 5},
        {"snap-create-hold", "snap", "create", nullptr, always(create_with({"--quiesce", "exec", "--hold", "hold"})),
         kAll, kNameTaken, always(snap(kCreate)), 5},
        {"snap-delete", "snap", "delete", make_set, always(snap({"delete", "before", "--force", "--yes"})), kAll,
         kNothingLeft, nullptr, 1, false, Deletes::kSnapshots},
        {"snap-protect", "snap", "protect", make_set, always(snap({"protect", "before", "--yes"})), kAll},
        {"restore-pvc", "restore", "pvc", make_set,
         always(restore({"pvc/data-copy", "--from", "before", "--claim", "data-postgres-0"})), kThrowaways},
        {"restore-pvc-consumer", "restore", "pvc", make_set,
         always(restore({"pvc/files-copy", "--from", "papers", "--storage-class", "later"})), kThrowaways},
        {"restore-drill", "restore", "drill", make_set, always(drill()), kThrowaways, 0, nullptr, 8, true},
        {"restore-drill-exec", "restore", "drill", make_set, always(restore({"drill", "papers", "--exec", "true"})),
         kThrowaways, 0, nullptr, 5, true},
        {"restore-open", "restore", "open", make_set, always(restore({"open", "before", "--ordinal", "0"})),
         kThrowaways},
        {"restore-in-place", "restore", "in-place", make_set, always(in_place()), kAll, 0, nullptr, 40},
        {"restore-in-place-lost", "restore", "in-place", lose_journal, always(in_place()), kForward, 0, nullptr, 40},
        {"restore-undo", "restore", "undo", swap_volumes, on_operation("restore", "undo"), kAll, 0, nullptr, 40},
        {"restore-finalize", "restore", "finalize", swap_volumes, on_operation("restore", "finalize"), kAgain,
         kNothingLeft, nullptr, 1, false, Deletes::kKeptVolumes},
        {"gc", "", "gc", leave_drill, always(restore({"gc", "--yes"})), kAgain},
        {"abort", "", "abort", leave_drill, on_operation("restore", "abort"), kAgain, kNothingLeft},
        {"resume", "", "resume", leave_drill, on_operation("restore", "resume"), kAgain, kNothingLeft,
         on_operation("restore", "abort")},
    };
    return kMatrix;
}

}  // namespace holdfast::crash
