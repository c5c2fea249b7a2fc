#include "tests/crash/case.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/invariants.h"
#include "tests/crash/mutate.h"

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{900000};
constexpr int kNotFound = 1, kVerdict = 6;  // exit codes
constexpr sim::milliseconds kPause{15000};  // until somebody runs it again: a dead owner's Lease has expired

std::string trace_of(const std::vector<sim::Call>& calls, const Ending& ending, const sim::Sim& sim) {
    std::string trace;
    for (const sim::Call& call : calls) trace += call.text() + "\n";
    for (const sim::Change& change : sim.store.history()) trace += change.object->dump() + "\n";
    return trace + ending.out + ending.err;
}

class Judge {
  public:
    Judge(const Reference& reference, const Case& one)
        : reference_(reference), case_(one), sim_(reference.start), clock_(sim_), invariants_(reference.start) {
        if (one.entry->deletes_data) invariants_.release_cuts();
        invariants_.watch(sim_);
    }

    Judgement run() {
        const Ending first = once(reference_.line, case_.first, "first run", 200);
        if (!settled()) return done();
        if (takes(case_.first.fault)) return left_alone();
        // A verdict on the data ends an operation: what named it finds nothing any more.
        if (first.exit_code == kVerdict && case_.entry->exit_when_done == kNotFound) return done();
        if (!first.killed && first.exit_code == 0) {
            compare(reference_.end, "exit 0, but the result is another one");
            return done();
        }
        const auto operations = open_operations(sim_);
        if (case_.way != Way::kRerun && operations.empty()) return done();  // as a rerun: judged there
        sim_.advance(kPause);
        switch (case_.way) {
            case Way::kRerun:
                go_on(reference_.line);
                break;
            case Way::kResume:
                go_on({reference_.line.plugin, {"resume", operations.front(), "--yes"}});
                break;
            case Way::kGc:
                collect(operations.front());
                break;
            case Way::kAbort:
                take_back({reference_.line.plugin, {"abort", operations.front(), "--yes"}});
                break;
        }
        return done();
    }

  private:
    Ending once(const CommandLine& line, Injection injection, const std::string& what, int pid) {
        signals_.raised = 0;
        const Machine machine{sim_, clock_, signals_, case_.mutation};
        FaultGate gate(machine, injection);
        Ending ending = run_command(line, machine, gate, pid);
        judgement_.happened = judgement_.happened || gate.happened();
        if (!gate.theirs().name.empty()) {
            theirs_ = gate.theirs();
            theirs_uid_ = gate.theirs_uid();
            theirs_text_ = gate.theirs_text();
        }
        if (pid != 200) judgement_.second_calls = static_cast<int>(gate.calls().size());
        judgement_.told += "    " + what + ": " + line.text() + "\n    -> " +
                           (ending.killed ? "killed" : "exit " + std::to_string(ending.exit_code)) + "\n" + ending.out +
                           ending.err;
        // I14: the canary stands in the environment of every container.
        for (const std::string& text : {ending.out, ending.err}) {
            if (text.find("canary-5ecret") != std::string::npos) violated("I14: a secret was printed");
        }
        return ending;
    }

    // Somebody else's object of the same name stays as they made it, whatever we do then.
    Judgement left_alone() {
        if (!judgement_.happened) return done();
        const auto operations = open_operations(sim_);
        if (!operations.empty()) {
            sim_.advance(kPause);
            once({reference_.line.plugin, {"abort", operations.front(), "--yes"}}, {}, "abort", 201);
            if (!settled()) return done();
        }
        const sim::ObjectPtr found = sim_.store.find(theirs_);
        if (!found || kube::deleting(*found))
            violated("I11: deleted somebody else's " + theirs_.text());
        else if (!theirs(*found) || essence(*found) != theirs_text_)
            violated("I11: changed somebody else's " + theirs_.text() + "\n    " + found->dump());
        return done();
    }

    static bool theirs(const Json& object) {
        return kube::annotation_of(object, "somebody.example/was") == "here" &&
               kube::label_of(object, labels::kOperation).empty() &&
               object.dump().find(labels::kRecord) == std::string::npos;
    }

    // The run that must finish the work; with a second fault, the one after it.
    void go_on(const CommandLine& line) {
        Ending ending = once(line, case_.second, "second run", 201);
        if (!settled()) return;
        if (case_.second.boundary >= 0 && (ending.killed || ending.exit_code != 0)) {
            sim_.advance(kPause);
            ending = once(reference_.line, {}, "third run", 202);
            if (!settled()) return;
        }
        const bool done_before = ending.exit_code == case_.entry->exit_when_done;
        if (ending.exit_code != 0 && !done_before)
            violated("I8: running it again does not finish it: exit " + std::to_string(ending.exit_code));
        compare(reference_.end, "I8: the rerun came to another end");
    }

    void take_back(const CommandLine& line) {
        Ending ending = once(line, case_.second, "abort", 201);
        if (!settled()) return;
        if (case_.second.boundary >= 0 && (ending.killed || ending.exit_code != 0) && !open_operations(sim_).empty()) {
            sim_.advance(kPause);
            ending = once(line, {}, "abort again", 202);
            if (!settled()) return;
        } else if (ending.killed) {
            return compare(reference_.begin, "I9: abort does not restore the start");
        }
        if (ending.exit_code == 3) return go_on(reference_.line);  // refused with a reason: past the point of no return
        if (ending.exit_code != 0) violated("I9: abort fails: exit " + std::to_string(ending.exit_code));
        compare(reference_.begin, "I9: abort does not restore the start");
    }

    // I10: after gc nothing is left that runs or takes up storage but what a user asked for by name.
    void collect(const std::string& operation) {
        const Ending ending = once({reference_.line.plugin, {"gc", "--yes"}}, {}, "gc", 201);
        if (!settled()) return;
        if (ending.exit_code != 0) violated("I10: gc fails: exit " + std::to_string(ending.exit_code));
        for (const auto& [name, text] : state_of(sim_)) {
            const bool throwaway = text.find("\"holdfast.dev/role\":\"drill\"") != std::string::npos ||
                                   text.find("\"holdfast.dev/role\":\"open\"") != std::string::npos ||
                                   text.find("\"holdfast.dev/role\":\"consumer\"") != std::string::npos;
            if (throwaway) violated("I10: gc leaves " + name);
        }
        take_back({reference_.line.plugin, {"abort", operation, "--yes"}});
    }

    bool settled() {
        if (sim_.settle(kSettle)) return true;
        violated("the cluster does not come to rest");
        return false;
    }

    void compare(const State& expected, const std::string& what) {
        const sim::ObjectPtr changed = theirs_.name.empty() ? nullptr : sim_.store.find(theirs_);
        // What we delete goes with what they wrote; its successor has another uid.
        if (changed && kube::label_of(*changed, labels::kRole) != "journal" &&  // nobody but us writes there
            kube::uid_of(*changed) == theirs_uid_ && kube::annotation_of(*changed, "somebody.example/was").empty())
            violated("I7: lost what somebody else wrote to " + theirs_.text());
        const State got = state_of(sim_);
        const auto lines = differences(expected, got, as_good(expected));
        if (lines.empty()) return;
        std::string text = what;
        for (const std::string& line : lines) text += "\n    " + line;
        violated(text);
    }

    const State& as_good(const State& expected) const {
        static const State kNothing;
        if (&expected == &reference_.end) return reference_.or_else;
        return case_.entry->mark_stays ? reference_.end : kNothing;
    }

    void violated(const std::string& what) { judgement_.violations.push_back(what); }

    Judgement done() {
        for (const std::string& what : invariants_.violations()) violated(what);
        judgement_.looks = invariants_.looks();
        return std::move(judgement_);
    }

    const Reference& reference_;
    const Case& case_;
    sim::Sim sim_;
    sim::SimClock clock_;
    CaseSignals signals_;
    Invariants invariants_;
    Judgement judgement_;
    kube::ObjectRef theirs_;  // of somebody else
    std::string theirs_uid_, theirs_text_;
};

}  // namespace

std::string Case::id() const {
    std::string text =
        entry->name + "/" + std::to_string(first.boundary) + "/" + fault_name(first.fault) + "/" + way_name(way);
    if (second.boundary >= 0) text += "/" + std::to_string(second.boundary) + "/" + fault_name(second.fault);
    return text;
}

namespace {

State end_of(sim::Sim sim, const CommandLine& line) {
    must_run(sim, line);
    return state_of(sim);
}

}  // namespace

Reference make_reference(const sim::Sim& world, const Entry& entry, std::vector<Mutation>* notes) {
    Reference reference;
    reference.start = world;
    if (entry.prepare) entry.prepare(reference.start);
    reference.start.store.compact();
    reference.line = entry.line(reference.start);
    reference.begin = state_of(reference.start);
    if (entry.or_else) reference.or_else = end_of(reference.start, entry.or_else(reference.start));
    sim::Sim sim = reference.start;
    sim::SimClock clock(sim);
    CaseSignals signals;
    Invariants invariants(sim);
    invariants.watch(sim);
    const Machine machine{sim, clock, signals, nullptr, notes};
    FaultGate gate(machine, {});
    const Ending ending = run_command(reference.line, machine, gate, 200);
    if (ending.exit_code != 0)
        reference.problems.push_back("without any fault it ends with exit " + std::to_string(ending.exit_code) + "\n" +
                                     ending.out + ending.err);
    if (!sim.settle(kSettle)) reference.problems.push_back("the cluster does not come to rest");
    for (const std::string& what : invariants.violations()) reference.problems.push_back(what);
    reference.calls = gate.calls();
    reference.end = state_of(sim);
    reference.trace = trace_of(reference.calls, ending, sim);
    return reference;
}

Judgement judge(const Reference& reference, const Case& one) { return Judge(reference, one).run(); }

}  // namespace holdfast::crash
