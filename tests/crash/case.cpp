#include "tests/crash/case.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/actor_case.h"
#include "tests/crash/digest.h"
#include "tests/crash/mutate.h"
#include "tests/crash/stage.h"

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{900000};
constexpr int kNotFound = 1, kVerdict = 6;  // exit codes

// What passes without an error for us: a run goes on after it, and is not stopped for somebody to run it again.
bool passes(Fault fault) {
    switch (fault) {
        case Fault::k504Applied:
        case Fault::kTwice:
        case Fault::kWatchStall:
        case Fault::kWatchLost:
        case Fault::kWatchTwice:
        case Fault::kWatchReordered:
        case Fault::kWatchGone:
        case Fault::kWatchEnd:
        case Fault::kDelay:
        case Fault::kClockJump:
        case Fault::kClockBack:
        case Fault::kSlowCluster:
            return true;
        default:
            return false;
    }
}

constexpr sim::milliseconds kPause{15000};  // until somebody runs it again: a dead owner's Lease has expired

std::string trace_of(const std::vector<sim::Call>& calls, const Ending& ending, const sim::Sim& sim) {
    std::string trace;
    for (const sim::Call& call : calls) trace += call.text() + "\n";
    for (const sim::Change& change : sim.store.history()) trace += change.object->dump() + "\n";
    return trace + ending.out + ending.err;
}

class Judge : public CaseJudge {
  public:
    Judge(const Reference& reference, const Case& one, Stage& stage)
        : reference_(reference), case_(one), stage_(stage) {}

    Injection injection() override {
        Injection injection = case_.first;
        if (injection.fault != Fault::kAllocation && injection.fault != Fault::kAllocations) return injection;
        // One of those that the process makes there, another one at each request.
        const auto at = static_cast<std::size_t>(injection.boundary);
        const long made = at < reference_.allocations.size() ? reference_.allocations[at] : 0;
        const auto mixed = static_cast<std::uint32_t>(injection.boundary + 1) * 2654435761U;  // Knuth, 6.4
        injection.allocation = made == 0 ? 1 : 1 + static_cast<long>((mixed >> 8) % static_cast<std::uint32_t>(made));
        return injection;
    }

    Judgement after(const Ending& first) override {
        if (!stage_.settled()) return stage_.done();
        if (!first.killed && !starves(case_.first.fault)) service_is_back();
        if (first.exit_code != 0 && passes(case_.first.fault))
            stage_.violated("a fault that passes ends the run: exit " + std::to_string(first.exit_code));
        if (takes(case_.first.fault)) return left_alone();
        if (case_.first.fault == Fault::kDropsSource && stage_.judgement.happened) return no_source(first);
        if (case_.first.fault == Fault::kFails && fails_to_mask()) return unmasked(first);
        // A verdict on the data ends an operation: what named it finds nothing any more.
        if (first.exit_code == kVerdict && case_.entry->exit_when_done == kNotFound) return stage_.done();
        if (!first.killed && first.exit_code == 0) {
            compare(reference_.end, "exit 0, but the result is another one");
            return stage_.done();
        }
        const auto operations = open_operations(stage_.sim);
        if (case_.way != Way::kRerun && operations.empty()) return stage_.done();  // as a rerun: judged there
        stage_.sim.advance(kPause);
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
        return stage_.done();
    }

  private:
    // R13: whatever ends a run that can still act, what ran before it runs again. (Without memory nothing can be done.)
    void service_is_back() {
        for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
            for (const sim::ObjectPtr& before : reference_.start.store.list(*resource, kSpace)) {
                if (kube::replicas_of(*before) == 0) continue;
                const sim::ObjectPtr now = stage_.sim.store.find(*resource, kSpace, kube::name_of(*before));
                // What the command is asked to delete is down for good.
                if (!now && !reference_.end.contains(before.ref().text())) continue;
                if (!now || kube::replicas_of(*now) == 0)
                    stage_.violated("R13: the first run leaves " + before.ref().text() + (now ? " down" : " deleted"));
            }
        }
    }

    // Somebody else's object of the same name stays as they made it, whatever we do then.
    Judgement left_alone() {
        if (!stage_.judgement.happened) return stage_.done();
        const auto operations = open_operations(stage_.sim);
        if (!operations.empty()) {
            stage_.sim.advance(kPause);
            stage_.once({reference_.line.plugin, {"abort", operations.front(), "--yes"}}, {}, "abort", kSecond);
            if (!stage_.settled()) return stage_.done();
        }
        const sim::ObjectPtr found = stage_.theirs_now();
        if (!found || found.deleting())
            stage_.violated("I11: deleted somebody else's " + stage_.theirs.text());
        else if (!theirs(*found) || essence(*found) != stage_.theirs_text)
            stage_.violated("I11: changed somebody else's " + stage_.theirs.text() + "\n    " + found->dump());
        return stage_.done();
    }

    // A claim without its source gets an empty volume: that ends in an error, now and again, and can be taken back.
    Judgement no_source(const Ending& first) {
        if (first.exit_code == 0) stage_.violated("exit 0, with an empty volume in place of what was to be restored");
        const auto operations = open_operations(stage_.sim);
        if (operations.empty()) {
            // What another line had begun to mask is taken down as abort takes it.
            const bool half = case_.entry->masks && case_.entry->or_else;
            compare(half ? reference_.or_else : reference_.begin, "it ended, and the start is not restored");
            return stage_.done();
        }
        stage_.sim.advance(kPause);
        take_back({reference_.line.plugin, {"abort", operations.front(), "--yes"}});
        return stage_.done();
    }

    bool fails_to_mask() const {
        const auto at = static_cast<std::size_t>(case_.first.boundary);
        // What another line has begun is taken down too, and its start is not this one's.
        return stage_.invariants.demands_masks() && !case_.entry->masks && stage_.judgement.happened &&
               at < stage_.calls.size() && stage_.calls[at].verb == sim::Verb::kSql;
    }

    // R27: that is a verdict on the copy, and nothing of it is left for anybody to reach.
    Judgement unmasked(const Ending& first) {
        if (first.exit_code != kVerdict)
            stage_.violated("R27: masking fails, and it ends with exit " + std::to_string(first.exit_code));
        compare(reference_.begin, "R27: masking has failed, and something of the clone is left");
        return stage_.done();
    }

    static bool theirs(const Json& object) {
        return kube::annotation_of(object, "somebody.example/was") == "here" &&
               kube::label_of(object, labels::kOperation).empty() &&
               object.dump().find(labels::kRecord) == std::string::npos;
    }

    // No other fault comes in that run, nor are there others that branch from it.
    static bool last(const Injection& second) { return second.boundary < 0 && !second.branch; }

    // The run that must finish the work; with a second fault, the one after it.
    void go_on(const CommandLine& line) {
        if (last(case_.second) && stage_.seen_from_here(line, "goes on")) return;
        Ending ending = stage_.once(line, case_.second, "second run", kSecond);
        if (!stage_.settled()) return;
        if (case_.second.boundary >= 0 && (ending.killed || ending.exit_code != 0)) {
            stage_.sim.advance(kPause);
            if (stage_.seen_from_here(reference_.line, "goes on")) return;
            ending = stage_.once(reference_.line, {}, "third run", kThird);
            if (!stage_.settled()) return;
        }
        const bool done_before = ending.exit_code == case_.entry->exit_when_done;
        if (ending.exit_code != 0 && !done_before)
            stage_.violated("I8: running it again does not finish it: exit " + std::to_string(ending.exit_code));
        if (ending.exit_code == kNotFound && taken_down()) return;
        compare(reference_.end, "I8: the rerun came to another end");
    }

    // R27: a masking that did not come to its end takes all of it away, as abort does; then there is nothing to resume.
    bool taken_down() const {
        return case_.entry->masks && !reference_.or_else.empty() &&
               differences(reference_.or_else, state_of(stage_.sim, reference_.known), {}).empty();
    }

    void take_back(const CommandLine& line) {
        if (last(case_.second) && stage_.seen_from_here(line, "takes back")) return;
        Ending ending = stage_.once(line, case_.second, "abort", kSecond);
        demand_up(ending);
        if (!stage_.settled()) return;
        if (case_.second.boundary >= 0 && (ending.killed || ending.exit_code != 0) &&
            !open_operations(stage_.sim).empty()) {
            stage_.sim.advance(kPause);
            if (stage_.seen_from_here(line, "takes back")) return;
            ending = stage_.once(line, {}, "abort again", kThird);
            if (!stage_.settled()) return;
        } else if (ending.killed) {
            if (case_.entry->aborts_forward) return came_back();
            return compare(reference_.begin, "I9: abort does not restore the start");
        }
        if (ending.exit_code == 3) return go_on(reference_.line);  // refused with a reason: past the point of no return
        if (ending.exit_code != 0) stage_.violated("I9: abort fails: exit " + std::to_string(ending.exit_code));
        if (case_.entry->aborts_forward) return came_back();
        compare(reference_.begin, "I9: abort does not restore the start");
    }

    // What stops workloads has taken nothing back as long as one is not up.
    void demand_up(const Ending& abort) {
        if (!case_.entry->aborts_forward || abort.killed || abort.exit_code != 0 || !stage_.alone) return;
        for (const std::string& left : not_up_in(stage_.sim))
            stage_.violated("I13: abort ends with exit 0, and " + left);
    }

    // What runs is as it was, however far the claims have come; the rest is another run's.
    void came_back() {
        for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
            for (const sim::ObjectPtr& before : reference_.start.store.list(*resource, kSpace)) {
                const sim::ObjectPtr now = stage_.sim.store.find(*resource, kSpace, kube::name_of(*before));
                const bool same = now && kube::replicas_of(*now) == kube::replicas_of(*before) &&
                                  kube::annotation_of(*now, labels::kReplicas).empty() &&
                                  kube::annotation_of(*now, labels::kRetention).empty();
                if (!same) stage_.violated("I9: abort does not bring " + kube::name_of(*before) + " back as it was");
            }
        }
        if (!open_operations(stage_.sim).empty()) stage_.violated("I9: abort leaves its operation open");
        go_on(reference_.line);
    }

    // I10: after gc nothing is left that runs or takes up storage but what a user asked for by name.
    void collect(const std::string& operation) {
        const CommandLine line{reference_.line.plugin, {"gc", "--yes"}};
        if (stage_.seen_from_here(line, "collects")) return;
        const Ending ending = stage_.once(line, {}, "gc", kSecond);
        if (!stage_.settled()) return;
        if (ending.exit_code != 0) stage_.violated("I10: gc fails: exit " + std::to_string(ending.exit_code));
        for (const auto& [name, text] : state_of(stage_.sim, reference_.known)) {
            const bool throwaway = text.find("\"holdfast.dev/role\":\"drill\"") != std::string::npos ||
                                   text.find("\"holdfast.dev/role\":\"open\"") != std::string::npos ||
                                   text.find("\"holdfast.dev/role\":\"consumer\"") != std::string::npos;
            if (throwaway) stage_.violated("I10: gc leaves " + name);
        }
        take_back({reference_.line.plugin, {"abort", operation, "--yes"}});
    }

    // R19: what is called quiesced was cut while nobody could write. Only a line of the matrix that holds writes back
    // makes such a set.
    void check_quiesced() {
        for (const sim::ObjectPtr& map : stage_.sim.store.list(kube::kConfigMaps, kSpace)) {
            const Json* data = kube::find_at(*map, "/data");
            if (kube::label_of(*map, labels::kRole) != "set" || data == nullptr ||
                data->dump().find("quiesced") == std::string::npos)
                continue;
            for (const auto& [handle, cut] : stage_.sim.backend().cuts) {
                if (cut.held || reference_.start.backend().cuts.contains(handle)) continue;
                stage_.violated("R19: " + kube::name_of(*map) + " says quiesced, and " + handle +
                                " was cut while a pod could write");
            }
        }
    }

    void compare(const State& expected, const std::string& what) {
        check_quiesced();
        const sim::ObjectPtr changed = stage_.theirs_now();
        // What we delete goes with what they wrote; its successor has another uid.
        if (changed && kube::label_of(*changed, labels::kRole) != "journal" &&  // nobody but us writes there
            changed.uid() == stage_.theirs_uid && kube::annotation_of(*changed, "somebody.example/was").empty())
            stage_.violated("I7: lost what somebody else wrote to " + stage_.theirs.text());
        const State got = state_of(stage_.sim, reference_.known);
        const auto lines = differences(expected, got, as_good(expected));
        if (lines.empty()) return;
        std::string text = what;
        for (const std::string& line : lines) text += "\n    " + line;
        stage_.violated(text);
    }

    const State& as_good(const State& expected) const {
        static const State kNothing;
        if (&expected == &reference_.end) return reference_.or_else;
        return case_.entry->mark_stays ? reference_.end : kNothing;
    }

    const Reference& reference_;
    const Case& case_;
    Stage& stage_;
};

}  // namespace

std::string Case::what() const { return actor ? actor_name(*actor) : fault_name(first.fault); }

std::string Case::id() const {
    std::string text = entry->name + "/" + std::to_string(first.boundary) + "/" + what() + "/" + way_name(way);
    if (second.boundary >= 0) text += "/" + std::to_string(second.boundary) + "/" + fault_name(second.fault);
    return text;
}

namespace {

// I7: what the owner had written on a claim stands there again, also on one that was made anew.
std::vector<std::string> lost_of_claims(const sim::Sim& start, const sim::Sim& end) {
    std::vector<std::string> lost;
    for (const sim::ObjectPtr& before : start.store.list(kube::kClaims, kSpace)) {
        const sim::ObjectPtr after = end.store.find(kube::kClaims, kSpace, kube::name_of(*before));
        if (!after || !kube::label_of(*before, labels::kOperation).empty()) continue;
        for (const char* part : {"labels", "annotations"}) {
            const Json* had = kube::find_at(*before, std::string("/metadata/") + part);
            const Json* has = kube::find_at(*after, std::string("/metadata/") + part);
            if (had == nullptr) continue;
            for (const auto& [key, value] : had->items()) {
                if (key.find("kubernetes.io/") != std::string::npos || key.starts_with("holdfast.dev/")) continue;
                if (has == nullptr || !has->contains(key) || (*has)[key] != value)
                    lost.push_back("I7: pvc/" + kube::name_of(*before) + " has lost " + key + " of its " + part);
            }
        }
    }
    return lost;
}

State end_of(sim::Sim sim, const CommandLine& line) {
    must_run(sim, line);
    return state_of(sim);
}

}  // namespace

Reference make_reference(const sim::Sim& world, const Entry& entry, const Witness& witness) {
    Reference reference;
    reference.start = world;
    if (entry.prepare) entry.prepare(reference.start);
    reference.start.store.compact();
    reference.line = entry.line(reference.start);
    reference.known = known_of(reference.start);
    reference.begin = state_of(reference.start, reference.known);
    if (entry.or_else) reference.or_else = end_of(reference.start, entry.or_else(reference.start));
    sim::Sim sim = reference.start;
    sim::SimClock clock(sim);
    CaseSignals signals;
    Invariants invariants(sim);
    set_up(invariants, entry, reference);
    invariants.watch(sim);
    const Machine machine{sim, clock, signals, nullptr, witness};
    FaultGate gate(machine, {});
    const Ending ending = run_command(reference.line, machine, gate, kFirst);
    reference.unfinished = unfinished_in(sim);
    for (const std::string& left : entry.aborts_forward ? not_up_in(sim) : std::set<std::string>())
        reference.problems.push_back("I13: without any fault it ends, and " + left);
    if (ending.exit_code != 0)
        reference.problems.push_back("without any fault it ends with exit " + std::to_string(ending.exit_code) + "\n" +
                                     ending.out + ending.err);
    if (!sim.settle(kSettle)) reference.problems.push_back("the cluster does not come to rest");
    for (const std::string& what : invariants.violations()) reference.problems.push_back(what);
    for (const std::string& what : lost_of_claims(reference.start, sim)) reference.problems.push_back(what);
    reference.calls = gate.calls();
    reference.changes = gate.changes();
    reference.allocations = gate.allocations();
    reference.end = state_of(sim);
    for (const auto& [handle, disk] : world.backend().disks) reference.disks.insert(handle);
    reference.digest = digest_of(sim, reference.disks);
    reference.trace = trace_of(reference.calls, ending, sim);
    return reference;
}

Judgement judge(const Reference& reference, const Case& one) {
    Stage stage(reference, one);
    const auto judge = make_judge(reference, one, stage);
    return judge->after(stage.once(reference.line, judge->injection(), "first run", kFirst));
}

std::unique_ptr<CaseJudge> make_judge(const Reference& reference, const Case& one, Stage& stage) {
    stage.alone = !one.actor && !takes(one.first.fault);
    if (one.actor) return make_actor_judge(reference, one, stage);
    return std::make_unique<Judge>(reference, one, stage);
}

}  // namespace holdfast::crash
