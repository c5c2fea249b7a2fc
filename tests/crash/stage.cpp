#include "tests/crash/stage.h"

#include "tests/crash/digest.h"
#include "tests/crash/whole.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kSettle{900000};

bool is_bookkeeping(const kube::Resource& resource) {
    return resource == kube::kLeases || resource == kube::kConfigMaps || resource == kube::kEvents;
}

bool holds_data(const kube::Resource& resource) {
    return resource == kube::kClaims || resource == kube::kVolumes || resource == kube::kSnapshots ||
           resource == kube::kSnapshotContents || resource == kube::kStatefulSets || resource == kube::kDeployments;
}

// I12, I2: what holds data is deleted because of what the API server said when it was asked, and not because of what a
// watch told, which may be long past; and a claim of the start only when each volume that was patched has been asked
// for since, as what is kept only then is known to be. R8: before the first of them goes, its snapshots have been
// looked for since a volume or a workload was patched, as one that somebody has begun meanwhile keeps the claim from
// going.
class Fresh {
  public:
    Fresh(const sim::Sim& start, bool all_there) : all_there_(all_there) {
        for (const sim::ObjectPtr& claim : start.store.list(kube::kClaims, ""))
            if (claim.claim().operation.empty()) claims_.insert(claim.ref().text());
    }
    // Why this deletion should not have been sent; "": it may.
    std::string objection(const sim::Call& call) {
        const std::string kind = call.ref.resource.qualified() + (call.there ? " there" : "");
        const bool volume = call.ref.resource == kube::kVolumes;
        if (call.verb == sim::Verb::kGet || call.verb == sim::Verb::kList) {
            seen_[kind].insert(call.ref.name);
            if (volume)
                std::erase_if(patched_,
                              [&](const std::string& one) { return call.ref.name.empty() || one == call.ref.name; });
        }
        if (volume && call.verb == sim::Verb::kPatch) patched_.insert(call.ref.name);
        if (call.verb == sim::Verb::kPatch && holds_data(call.ref.resource)) since_ = call.text();
        if (call.verb == sim::Verb::kList && call.ref.resource == kube::kSnapshots) since_.clear();
        if (call.verb != sim::Verb::kDelete || !holds_data(call.ref.resource)) return "";
        if (!seen_[kind].contains("") && !seen_[kind].contains(call.ref.name)) return "was never asked for";
        if (call.there || !claims_.contains(call.ref.text())) return "";
        if (!patched_.empty()) return "goes, and pv/" + *patched_.begin() + " was not read since it was patched";
        const bool first = std::exchange(all_there_, false);
        return first && !since_.empty() ? "goes, and its snapshots were not looked for since " + since_ : "";
    }

  private:
    bool all_there_;
    std::string since_;  // the last patch that snapshots were not looked for after
    std::set<std::string> claims_;
    std::map<std::string, std::set<std::string>> seen_;
    std::set<std::string> patched_;
};

// Past the first that goes the way is forward, whoever has snapshots cut.
bool all_there(const sim::Sim& start, const sim::Sim& now) {
    const auto claims = start.store.list(kube::kClaims, "");
    return std::all_of(claims.begin(), claims.end(), [&](const sim::ObjectPtr& one) {
        const sim::ObjectPtr found = now.store.find(one.ref());
        return !one.claim().operation.empty() ||
               (found && found.claim().uid == one.claim().uid && !found.claim().deleting);
    });
}

// What gc and abort say of a volume that they were not let read (common/plan/removal.cpp).
constexpr char kUnseen[] = "could not be read: whether it goes is not waited for";

// Without the breaks of a terminal's lines.
std::string one_line(const std::string& text) {
    std::istringstream words(text);
    std::string line;
    for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
    return line;
}

// What shows in the requests alone. I11: what is changed or deleted is named by its uid or its version. I13: who says
// that all is well has looked at it after the last change of anything but records and locks.
std::vector<std::string> problems_of(const std::vector<sim::Call>& calls, const Ending& ending, Fresh fresh) {
    std::vector<std::string> problems;
    const sim::Call* unseen = nullptr;
    for (const sim::Call& call : calls) {
        const std::string objection = fresh.objection(call);
        if (!objection.empty()) problems.push_back("I12: " + call.text() + " " + objection);
        if (!call.pinned) problems.push_back("I11: " + call.text() + " names neither uid nor version");
        // The mark of a takeover and what runs in the journal's own name are pinned by what was just read of them.
        if (!call.named && call.verb == sim::Verb::kPatch) problems.push_back("I11: " + call.text() + " names no uid");
        if (is_read(call.verb)) unseen = nullptr;
        if (is_write(call.verb) && !is_bookkeeping(call.ref.resource)) unseen = &call;
    }
    if (!ending.killed && ending.exit_code == 0 && unseen != nullptr)
        problems.push_back("I13: exit 0, and nothing was looked at after " + unseen->text());
    return problems;
}

}  // namespace

void set_up(Invariants& invariants, const Entry& entry, const Reference& reference) {
    if (entry.deletes == Deletes::kSnapshots) invariants.release_cuts();
    if (entry.deletes == Deletes::kKeptVolumes) invariants.release_kept();
    const std::vector<std::string>& words = reference.line.words;
    if (entry.masks || std::find(words.begin(), words.end(), "--sql") != words.end()) invariants.demand_masks();
    if (entry.asks_less) invariants.allow_less();
    if (entry.pods_stay) invariants.keep_pods(reference.start, entry.restarts, entry.all_at_once);
}

Stage::Stage(const Reference& reference, const Case& one)
    : sim(reference.start), clock(sim), invariants(reference.start), reference_(reference), case_(one) {
    set_up(invariants, *one.entry, reference);
    invariants.watch(sim);
}

Ending Stage::once(const CommandLine& line, const Injection& injection, const std::string& what, int pid) {
    signals.raised = 0;
    signals.reader_gone = false;
    const Machine machine{sim, clock, signals, case_.mutation};
    FaultGate gate(machine, injection);
    const bool whole = all_there(reference_.start, sim);
    Ending ending = run_command(line, machine, gate, pid);
    if (!gate.injection().somebody) judgement.happened = judgement.happened || gate.happened();
    if (!gate.theirs().name.empty()) {
        theirs = gate.theirs();
        theirs_there = gate.theirs_there();
        theirs_uid = gate.theirs_uid();
        theirs_text = gate.theirs_text();
    }
    calls = gate.calls();
    if (pid != kFirst) judgement.second_calls = static_cast<int>(gate.calls().size());
    judgement.told += "    " + what + ": " + line.text() + "\n    -> " +
                      (ending.killed ? "killed" : "exit " + std::to_string(ending.exit_code)) + "\n" + ending.out +
                      ending.err;
    // Which case it is may be known only since then (branches.h).
    for (const std::string& problem : problems_of(gate.calls(), ending, {reference_.start, alone && whole}))
        violated(problem + " (" + what + ")");
    if (!ending.killed && ending.exit_code == 0) check_done(line, ending);
    // I14: the canary stands in the environment of every container.
    for (const std::string& text : {ending.out, ending.err}) {
        if (text.find("canary-5ecret") != std::string::npos) violated("I14: a secret was printed");
    }
    return ending;
}

// Exit 0 is said when it is so, and not a little before: as the run without a fault says it. What somebody else does
// meanwhile may be under way still.
void Stage::check_done(const CommandLine& line, const Ending& ending) {
    if (line.words != reference_.line.words || !alone) return;
    const bool says_unseen = one_line(ending.err).find(kUnseen) != std::string::npos;
    for (const std::string& left : unfinished_in(sim)) {
        if (says_unseen && left == kVolumeGoes) continue;  // who may not read a volume is told so
        if (!reference_.unfinished.contains(left)) violated("I13: exit 0, and " + left);
    }
}

sim::ObjectPtr Stage::theirs_now() const {
    return theirs.name.empty() ? nullptr : (theirs_there ? *sim.other() : sim).store.find(theirs);
}

bool Stage::settled() {
    if (sim.settle(kSettle)) return true;
    violated("the cluster does not come to rest");
    return false;
}

bool Stage::seen_from_here(const CommandLine& next, const std::string& way) {
    if (!reference_.seen) return false;
    std::string text =
        case_.entry->name + "\n" + way + "\n" + next.text() + "\n" + (alone ? "alone\n" : "with somebody\n");
    const sim::ObjectPtr changed = theirs_now();
    text += theirs.text() + (theirs_there ? " there\n" : "\n") + theirs_text + "\n";
    text += changed && changed.uid() == theirs_uid ? "as they left it\n" : "another one\n";
    text += invariants.text() + std::to_string(clock.jump.count()) + "\n" + whole_text(sim, reference_.known);
    const std::uint64_t state = std::hash<std::string>()(text);
    judgement.as_another = reference_.seen->contains(state);
    if (!judgement.as_another) left_at_.push_back(state);
    return judgement.as_another;
}

Judgement Stage::done() {
    for (const std::string& what : invariants.violations()) violated(what);
    // What is red is told of each case that comes there.
    for (const std::uint64_t state : judgement.violations.empty() ? left_at_ : std::vector<std::uint64_t>())
        reference_.seen->insert(state);
    judgement.looks = invariants.looks();
    judgement.unseen_deletions = invariants.unseen_deletions();
    return std::move(judgement);
}

}  // namespace holdfast::crash
