// Where the runs of one case take place: its own copy of the world, its clock, and what is watched meanwhile.
#pragma once

#include "tests/crash/case.h"
#include "tests/crash/invariants.h"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::crash {

constexpr int kFirst = 200, kSecond = 201, kThird = 202, kOtherUser = 300;  // pids

// What the entry's line allows and demands.
void set_up(Invariants& invariants, const Entry& entry, const Reference& reference);

class Stage {
  public:
    Stage(const Reference& reference, const Case& one);
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Runs the line as process `pid`. What it printed is kept for the telling, and looked through for secrets (I14).
    Ending once(const CommandLine& line, const Injection& injection, const std::string& what, int pid);
    // Whether the matrix has seen a good end of a case of this line from a state like this one, by the same way on
    // (seen.h): then this one ends so, too. Else its end is told when it is known.
    bool seen_from_here(const CommandLine& next, const std::string& way);
    // Until nothing is due any more; a violation if that never comes.
    bool settled();
    void violated(const std::string& what) { judgement.violations.push_back(what); }
    Judgement done();

    sim::Sim sim;
    sim::SimClock clock;
    CaseSignals signals;
    Invariants invariants;
    Judgement judgement;
    std::vector<sim::Call> calls;       // of the last run
    sim::ObjectPtr theirs_now() const;  // null: it is gone, or there is none
    kube::ObjectRef theirs;             // what somebody else made or changed, name "" : nothing
    std::string theirs_uid, theirs_text;
    bool alone = true;  // nobody else has a hand in it, so that exit 0 must be said when all is done

    bool theirs_there = false;  // in the second cluster

  private:
    void check_done(const CommandLine& line, const Ending& ending);

    const Reference& reference_;
    const Case& case_;
    std::vector<std::uint64_t> left_at_;  // states from which its runs went on that were not seen before
};

}  // namespace holdfast::crash
