#include "tests/crash/actor_case.h"

#include "common/core/quantity.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/os/process_identity.h"
#include "tests/crash/digest.h"
#include "tests/crash/stage.h"
#include "tests/sim/process.h"

#include <algorithm>
#include <string_view>

namespace holdfast::crash {
namespace {

constexpr sim::milliseconds kStopped{15000};  // longer than a Lease lives
constexpr sim::milliseconds kPauseAfterActor{15000};
constexpr sim::milliseconds kAtOnce{1000};
constexpr std::string_view kJournal = "holdfast-op-";
constexpr int kLocked = 4, kRefused = 3;  // exit codes

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class ActorJudge : public CaseJudge {
  public:
    ActorJudge(const Reference& reference, const Case& one, Stage& stage)
        : reference_(reference), case_(one), actor_(*one.actor), stage_(stage) {}

    Injection injection() override {
        Injection injection = case_.first;
        injection.somebody = [this](const sim::Call& call) { on_boundary(call); };
        injection.told = [this](const sim::Call& call, bool changed) { on_request(call, changed); };
        return injection;
    }

    Judgement after(const Ending& first) override {
        woken_ = false;
        if (!taken_.empty()) stage_.violated("R3: an owner that was taken over keeps the lock " + *taken_.begin());
        if (!stage_.judgement.happened || !stage_.settled()) return stage_.done();
        said("the first run", first);
        told_growth_ = contains(first.out, "WARNING: " + acted_.on.text() + " was changed by somebody");
        told_ = first.exit_code != 0 && contains(first.err, "/" + acted_.on.name + " ");
        stage_.sim.advance(kPauseAfterActor);
        if (tellable() && stage_.seen_from_here(reference_.line, so_far(first))) return stage_.done();
        const Ending again = stage_.once(reference_.line, {}, "second run", kSecond);
        if (!stage_.settled()) return stage_.done();
        // The same code may say that it was done before, or that it cannot be done: then the operation is open, nobody
        // ever began it, or what was in flight when it was aborted has the name.
        const bool begun = first.exit_code != kRefused || other_done_;
        const bool over = begun && open_operations(stage_.sim).empty() && late_.empty();
        // Of what somebody has removed since, it says that the rest is there, or that all was taken back.
        const bool removed = actor_ == Actor::kTidies && (first.exit_code != 0 || !stage_.sim.store.find(acted_.on));
        const bool done = again.exit_code == 0 || (again.exit_code == case_.entry->exit_when_done && over && !removed);
        if (done)
            same_end(came_after(first, again));
        else
            refused(again);
        if (actor_ == Actor::kMarks) still_marked();
        return stage_.done();
    }

  private:
    void on_boundary(const sim::Call& call) {
        if (actor_ == Actor::kSameCommand) return second_user(reference_.line);
        if (actor_ == Actor::kOtherCommand) return second_user(other_line());
        if (actor_ == Actor::kOtherPlugin) return second_user(other_plugins_line());
        if (actor_ == Actor::kTakesOver) return take_over(call, reference_.line);
        if (actor_ == Actor::kTakesBack) return take_back(call);
        stage_.invariants.look_away(true);
        const Acted acted = acted_ = act(actor_, stage_.sim, reference_.start, case_.first.boundary);
        stage_.invariants.look_away(false);
        stage_.invariants.forgive(stage_.sim);
        if (actor_ == Actor::kEndsSpace) forgive_what_goes("");
        const bool drops = acted.happened && (actor_ == Actor::kDropsClaim || actor_ == Actor::kRebuilds);
        if (drops) forgive_what_goes(acted.on.name);
        const sim::ObjectPtr set = stage_.sim.store.find(kube::kStatefulSets, kSpace, "postgres");
        // Of a workload that runs its controller makes an empty one: whoever deletes a claim in use asks for that. So
        // it is with one that is started by this very request, or reads itself for that: no precondition spans two
        // objects.
        const bool starts = set && call.ref == set.ref() && (call.verb == sim::Verb::kPatch || next_starts());
        gave_up_ = drops && set && (kube::replicas_of(*set) > 0 || starts);
        if (gave_up_) stage_.invariants.given_up(acted.on);
        if (actor_ == Actor::kRevertsPolicy && acted.happened) stage_.invariants.reverted(acted.on.name);
        stage_.judgement.happened = acted.happened;
    }

    // Up to its boundary a case goes as its reference does.
    bool next_starts() const {
        const auto next = static_cast<std::size_t>(case_.first.boundary) + 1;
        if (next >= reference_.calls.size()) return false;
        const sim::Call& call = reference_.calls[next];
        return call.verb == sim::Verb::kPatch && call.ref.resource == kube::kStatefulSets;
    }

    // What goes takes along what is under policy Delete by then: that is their own doing, seen on a copy of the world
    // in which we do nothing more. What is under Retain by then stays, unless we could not yet see that its claim goes.
    void forgive_what_goes(const std::string& claim) {
        stage_.invariants.claims_go(stage_.sim, claim);
        if (claim.empty()) stage_.invariants.release_pods();
        sim::Sim after = stage_.sim;
        after.on_change = nullptr;
        after.settle(sim::milliseconds(900000));
        stage_.invariants.forgive(after);
    }

    void on_request(const sim::Call& call, bool changed) {
        stage_.invariants.was_read(stage_.sim, call);
        if (acted_.happened && call.ref.resource == acted_.on.resource && sees(call.verb)) seen_ = true;
        if (!woken_) return;
        const bool creates = call.verb == sim::Verb::kCreate, excused = was_in_flight(call);
        stopped_at_ = false;
        if (changed && excused && creates) late_.push_back(call.ref);
        if (changed && excused && creates && call.there && call.ref.resource == kube::kConfigMaps)
            signpost_ = call.ref.name;
        if (changed && !excused && free_lock(call, creates)) return;
        if (changed && !excused && call.ref.resource != kube::kEvents)
            stage_.violated("R3: an owner that was taken over has written: " + call.text());
    }

    // Who wakes among several locks may take one that nobody has any more, sees then that the operation is over, and
    // gives it back: that is nobody's.
    bool free_lock(const sim::Call& call, bool creates) {
        if (call.ref.resource != kube::kLeases) return false;
        if (creates) return taken_.insert(call.ref.name).second;
        return call.verb == sim::Verb::kDelete && taken_.erase(call.ref.name) == 1;
    }

    // What had been sent when the process was stopped, and nothing else: the request at which that was, and the creates
    // that went out with it. A create has no precondition; and an operation that locks nothing pins its writes to
    // objects of its own by their uid alone, and marks none when it is taken over.
    bool was_in_flight(const sim::Call& call) const {
        if (call.verb == sim::Verb::kCreate) return stopped_at_ || (call.batch != 0 && call.batch == batch_);
        return stopped_at_ && !locks_ && own_;
    }

    // Whether the first run holds the operation: by its Leases, or by its journal before there is one.
    bool held() const {
        const std::string first = process_identity_of(kFirst);
        for (const sim::ObjectPtr& object : stage_.sim.store.list(kube::kLeases, kSpace)) {
            if (kube::lease_of(*object).holder == first) return true;
        }
        return journal_of(first);
    }

    bool locked() const {
        for (const sim::ObjectPtr& object : stage_.sim.store.list(kube::kLeases, kSpace)) {
            const kube::Lease lease = kube::lease_of(*object);
            if (lease.holder == process_identity_of(kFirst) && lease.role == "lock") return true;
        }
        return false;
    }

    bool journal_of(const std::string& owner) const {
        for (const sim::ObjectPtr& map : stage_.sim.store.list(kube::kConfigMaps, kSpace)) {
            const std::string text = kube::text_at(*map, "/data/journal.json");
            const Json journal = Json::parse(text, nullptr, false);
            if (!text.empty() && kube::text_at(journal, "/owner") == owner &&
                kube::text_at(journal, "/state") != "done")
                return true;
        }
        return false;
    }

    CommandLine other_line() const {
        if (case_.entry->other) return case_.entry->other(reference_.start);
        if (case_.entry->plugin == "snap")
            return {"snap", {"create", "sts/postgres", "--name", "another", "--app", "none"}};
        return {"restore",
                {"sts/postgres", "--from", "before", "--in-place", "--accept-skew", "--ordinal", "0", "--yes"}};
    }

    // The workload or claim that the case's command names, or has a lock of.
    std::string target() const {
        for (const sim::ObjectPtr& object : stage_.sim.store.list(kube::kLeases, kSpace)) {
            const std::string workload = kube::lease_of(*object).workload;
            if (workload.starts_with("Deployment/")) return "deploy/" + workload.substr(workload.find('/') + 1);
        }
        for (const std::string& word : reference_.line.words) {
            if (word.starts_with("sts/") || word.starts_with("deploy/") || word.starts_with("pvc/")) return word;
        }
        return "sts/postgres";
    }

    CommandLine other_plugins_line() const {
        if (case_.entry->plugin != "pvc-expand") return {"pvc-expand", {target(), "--size", "3Gi", "--yes"}};
        if (reference_.start.store.find(kube::kConfigMaps, kSpace, "holdfast-set-before"))
            return {"restore", {target(), "--from", "before", "--in-place", "--accept-skew", "--yes"}};
        return {"snap", {"create", target(), "--name", "another", "--app", "none"}};
    }

    Ending as_other_process(const CommandLine& line, const std::string& what) {
        const sim::Turn mine = sim::this_turn();
        const int raised = stage_.signals.raised;
        sim::keep_alive(kFirst);
        Injection none;
        none.told = [this](const sim::Call& call, bool changed) {
            if (changed) other_wrote_ = call.text();
        };
        const Ending ending = stage_.once(line, none, what, kOtherUser);
        sim::take_turn(mine);
        other_done_ = ending.exit_code == 0;
        stage_.signals.raised = raised;
        stage_.judgement.happened = true;
        return ending;
    }

    void second_user(const CommandLine& line) {
        const bool same = actor_ == Actor::kSameCommand;
        const bool excluded = same ? held() : locked() && case_.entry->plugin != "snap" && line.plugin != "snap";
        if (!excluded && line.plugin == "restore") stage_.invariants.release_pods();  // it stops them, as it says
        const auto began = stage_.sim.elapsed();
        const Ending other = as_other_process(line, "second user");
        both_ = other.exit_code == 0 && !same;
        if (!excluded) return;
        if (other.exit_code != kLocked)
            stage_.violated("the second user is not kept out: exit " + std::to_string(other.exit_code));
        if (!other_wrote_.empty()) stage_.violated("the second user is kept out, but has written: " + other_wrote_);
        if (stage_.sim.elapsed() - began > kAtOnce) stage_.violated("the second user is kept waiting");
    }

    void take_back(const sim::Call& call) {
        const auto open = open_operations(stage_.sim);
        const auto& ways = case_.entry->ways;
        if (std::find(ways.begin(), ways.end(), Way::kAbort) == ways.end()) return;
        if (!open.empty() && held()) take_over(call, {reference_.line.plugin, {"abort", open.front(), "--yes"}});
    }

    void take_over(const sim::Call& call, const CommandLine& line) {
        const bool ours = held();
        locks_ = locked();
        own_ = is_own(call.ref);
        stage_.sim.advance(kStopped);
        as_other_process(line, "who takes over");
        woken_ = ours && !held();
        stopped_at_ = true;
        batch_ = call.batch;
    }

    // The operation made it, or it is the volume of something that it made, or the content of a set's snapshot.
    bool is_own(const kube::ObjectRef& ref) const {
        const sim::ObjectPtr object = stage_.sim.store.find(ref);
        if (!object) return true;
        if (ref.resource == kube::kSnapshotContents) return true;
        if (ref.resource == kube::kVolumes) {
            const kube::Volume& volume = object.volume();
            return is_own({kube::kClaims, volume.claim_space, volume.claim_name});
        }
        return !kube::label_of(*object, labels::kOperation).empty();
    }

    bool labelled(const kube::ObjectRef& ref) const {
        const sim::ObjectPtr object = stage_.sim.store.find(ref);
        return object && !kube::label_of(*object, labels::kOperation).empty();
    }

    // What such a create has made is found by its label: gc takes throwaways; a claim that a restore in place makes
    // first is no throwaway to gc, which never deletes what may hold data.
    void clear_late() {
        if (late_.empty()) return;
        const Ending ending = stage_.once({reference_.line.plugin, {"gc", "--yes"}}, {}, "gc", kThird);
        if (ending.exit_code != 0) stage_.violated("I10: gc fails: exit " + std::to_string(ending.exit_code));
        (void)stage_.settled();
    }

    // What somebody at three in the morning needs: an error, and with an operation left open its name.
    void said(const std::string& who, const Ending& ending) {
        if (ending.killed) stage_.violated(who + " was killed");
        if (ending.exit_code == 0 || ending.killed) return;
        if (!contains(ending.err, "error: ") && !contains(ending.err, "Error from server"))
            stage_.violated(who + " ends with " + std::to_string(ending.exit_code) + " and no error");
        if (ending.exit_code != 5) return;
        const auto open = open_operations(stage_.sim);
        const bool named = std::any_of(open.begin(), open.end(),
                                       [&](const std::string& one) { return contains(ending.err + ending.out, one); });
        if (!open.empty() && !named) stage_.violated(who + " leaves an operation open and does not name it");
    }

    std::map<std::string, std::string> expected() const {
        std::map<std::string, std::string> digest = reference_.digest;
        if (actor_ == Actor::kAutoscaler) digest["replicas of postgres"] = digest["ready of postgres"] = "3";
        // A claim that was to have less does not shrink again.
        const auto grown = digest.find("size of " + acted_.on.name);
        if (actor_ == Actor::kGrows && grown != digest.end()) {
            const auto less = Quantity::parse(grown->second.substr(0, grown->second.find(',')));
            if (less.ok() && *less < Quantity::from_bytes(2LL << 30)) grown->second = "2Gi, has 2Gi";
        }
        return digest;
    }

    // What is still to be judged depends on no request that was in flight.
    bool tellable() const { return taken_.empty() && late_.empty() && signpost_.empty(); }

    // All that is judged from here on looks at, besides the cluster.
    std::string so_far(const Ending& first) const {
        std::string text =
            "after " + actor_name(actor_) + " on " + acted_.on.text() + ": " + std::to_string(first.exit_code);
        for (const bool one :
             {acted_.happened, seen_, gave_up_, told_, told_growth_, other_done_, both_, other_wrote_.empty()})
            text += one ? " yes" : " no";
        return text;
    }

    static bool sees(sim::Verb verb) { return is_read(verb) || is_write(verb) || verb == sim::Verb::kWatch; }

    // They acted when the operation had asked about such things for the last time, and it ended: what names it finds
    // nothing any more.
    bool came_after(const Ending& first, const Ending& again) const {
        return acted_.happened && !seen_ && first.exit_code == 0 && again.exit_code != 0 &&
               !case_.entry->begun_by.words.empty();
    }

    // Then their doing is another's work: the line that began the operation begins it anew.
    void same_end(bool late) {
        if (both_ || actor_ == Actor::kEndsSpace) return;
        std::vector<std::string> lines = other_end();
        std::string who = "the rerun";
        if (!lines.empty() && late) {
            stage_.sim.advance(kPauseAfterActor);
            const Ending anew = stage_.once(case_.entry->begun_by, {}, "begun anew", kThird);
            if (!stage_.settled()) return;
            if (anew.exit_code != 0)
                stage_.violated("I8: begun anew, it ends with exit " + std::to_string(anew.exit_code));
            lines = other_end();
            who = "the operation, begun anew,";
        }
        if (lines.empty()) return;
        std::string text = "I8: after " + actor_name(actor_) + " " + who + " came to another end";
        for (const std::string& line : lines) text += "\n    " + line;
        stage_.violated(text);
    }

    // Where it is not the end that the line comes to without any fault.
    std::vector<std::string> other_end() {
        std::set<std::string> except;
        if (actor_ == Actor::kRevertsPolicy) except.insert("policy of ");
        if (actor_ == Actor::kAutoscaler)
            except.insert({"claim data-postgres-2", "claim wal-postgres-2", "policy of data-postgres-2",
                           "policy of wal-postgres-2", "size of data-postgres-2", "size of wal-postgres-2"});
        // What somebody is deleting does not grow.
        if (actor_ == Actor::kDropsClaim) except.insert({"size of data-postgres-", "size of wal-postgres-"});
        // What its controller made in its place before we could see it is told of once, as an error: the volume that
        // the claim had is kept, and no run of the same line takes a claim from a workload that runs.
        if (gave_up_ && told_) except.insert("claim " + acted_.on.name);
        // Nor is its volume given back a policy under which it would go with the claim.
        if (actor_ == Actor::kDropsClaim) except.insert("policy of " + acted_.on.name);
        if (actor_ == Actor::kMarks) except.insert("policy of ");
        // Once other claims are swapped its new volume has the size that was decided, and the command tells of it.
        if (actor_ == Actor::kGrows && told_growth_) except.insert("size of " + acted_.on.name);
        // A copy is as large as its source was when it was made.
        if (actor_ == Actor::kGrows && case_.entry->plugin == "clone") {
            const std::string one = acted_.on.name.substr(0, acted_.on.name.find('-'));
            except.insert({"size of copy-" + acted_.on.name, "size of " + one + "-staging-", "template " + one});
        }
        // What is new is empty, and of the size and policy that its template and class say.
        if (actor_ == Actor::kRebuilds)
            except.insert({"claim " + acted_.on.name, "policy of " + acted_.on.name, "size of " + acted_.on.name});
        // gc makes nothing anew: what somebody has removed of an unfinished operation stays removed.
        if (actor_ == Actor::kTidies && reference_.line.words.front() == "gc")
            except.insert({"claim " + acted_.on.name, "policy of " + acted_.on.name, "size of " + acted_.on.name});
        // A second user who grows claims and fails on others has grown the ones: a claim never goes back.
        if (actor_ == Actor::kOtherCommand && case_.entry->plugin == "pvc-expand" && !other_wrote_.empty())
            except.insert("size of wal-postgres-");
        clear_late();
        for (const kube::ObjectRef& late : late_) {
            if (labelled(late)) except.insert({"claim " + late.name, "policy of " + late.name, "size of " + late.name});
        }
        // It says itself that it may be deleted when the cluster that it leads to knows no such operation.
        if (signpost_.starts_with(kJournal))
            except.insert("open " + signpost_.substr(kJournal.size()) + " (other cluster)");
        return digest_differences(expected(), digest_of(stage_.sim, reference_.disks), except);
    }

    // Nobody is left behind: the workload runs, or an operation is open that says how to go on.
    void refused(const Ending& again) {
        said("the second run", again);
        stage_.judgement.refused = true;
        if (actor_ == Actor::kEndsSpace) return;
        const sim::ObjectPtr set = stage_.sim.store.find(kube::kStatefulSets, kSpace, "postgres");
        if (set && kube::replicas_of(*set) == 0 && actor_ == Actor::kReplaces)
            stage_.violated("the StatefulSet that somebody made anew is held at 0 replicas");
        if (set && kube::replicas_of(*set) == 0 && open_operations(stage_.sim).empty())
            stage_.violated("the workload is left at 0 replicas, and no operation is open");
        ends();
    }

    // Of two swaps of one volume the one that marked it has it; whoever writes over that lets both take it out.
    void still_marked() {
        const sim::ObjectPtr volume = stage_.sim.store.find(acted_.on);
        if (volume && !contains(kube::annotation_of(*volume, labels::kSwap), "in-place-other-abcde"))
            stage_.violated("R1: another operation's mark on " + acted_.on.text() + " was written over");
    }

    // An operation that can go neither on nor back is in everybody's way: what it says must end it. An expansion whose
    // filesystems wait for a restart that nobody allowed names the line that allows it.
    void ends() {
        std::vector<CommandLine> ways;
        std::set<std::string> plugins = {reference_.line.plugin};
        if (actor_ == Actor::kOtherPlugin) plugins.insert(other_plugins_line().plugin);
        for (const std::string& plugin : plugins) {
            for (const char* way : {"abort", "resume"}) ways.push_back({plugin, {way, "", "--yes"}});
        }
        if (reference_.line.plugin == "pvc-expand" && actor_ == Actor::kOtherCommand) {
            ways.push_back(other_line());
            ways.back().words.insert(ways.back().words.end(), {"--restart", "if-needed"});
        }
        std::string tried;
        for (CommandLine& way : ways) {
            const auto open = open_operations(stage_.sim);
            if (open.empty()) return;
            if (way.words[1].empty()) way.words[1] = open.front();
            stage_.sim.advance(kPauseAfterActor);
            const Ending ending = stage_.once(way, {}, way.words.front(), kThird);
            if (!stage_.settled()) return;
            tried += " " + way.text() + ": exit " + std::to_string(ending.exit_code) + ";";
        }
        if (!open_operations(stage_.sim).empty()) stage_.violated("nothing ends the operation:" + tried);
    }

    const Reference& reference_;
    const Case& case_;
    const Actor actor_;
    Stage& stage_;
    Acted acted_;
    bool seen_ = false;         // the first run has asked about such things since
    bool gave_up_ = false;      // somebody's deletion made its controller make an empty claim
    bool told_ = false;         // and the first run ended with an error that names it
    bool told_growth_ = false;  // the first run has said at its end that somebody's growth was not taken over
    bool other_done_ = false;
    bool both_ = false;        // two operations were done, one after the other
    bool woken_ = false;       // the first process is no longer the owner
    bool stopped_at_ = false;  // nothing has been sent since
    int batch_ = 0;            // of the creates with which it was stopped
    bool locks_ = false, own_ = false;
    std::set<std::string> taken_;        // Leases, after it woke
    std::string signpost_;               // of those that late_ has, in the other cluster
    std::vector<kube::ObjectRef> late_;  // what creates have made that were in flight when their process was stopped
    std::string other_wrote_;
};

}  // namespace

std::unique_ptr<CaseJudge> make_actor_judge(const Reference& reference, const Case& one, Stage& stage) {
    return std::make_unique<ActorJudge>(reference, one, stage);
}

}  // namespace holdfast::crash
