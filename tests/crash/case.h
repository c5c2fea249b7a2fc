// One case: a command, a fault at one of its requests, perhaps a second one in the run that follows; then the
// judgement.
#pragma once

#include "tests/crash/actor.h"
#include "tests/crash/fault.h"
#include "tests/crash/matrix.h"
#include "tests/crash/seen.h"
#include "tests/crash/state.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

struct Case {
    const Entry* entry = nullptr;
    Injection first, second;
    Way way = Way::kRerun;
    std::optional<Actor> actor;  // instead of the first fault: somebody else acts there
    const Mutation* mutation = nullptr;
    std::string what() const;  // the fault or the actor
    std::string id() const;    // "snap-create/12/kill-before/rerun", with "/3/kill-before" for a second fault
};

// An entry's prepared world, and how it goes without any fault.
struct Reference {
    sim::Sim start{0};
    CommandLine line;
    std::vector<sim::Call> calls;
    std::vector<bool> changes;      // whether each call changed anything
    std::vector<long> allocations;  // between the answer to each call and the next one
    Known known;                    // texts of the start
    State begin, end;
    std::set<std::string> disks;                // that were there before anything was prepared
    std::map<std::string, std::string> digest;  // of the end
    std::set<std::string> unfinished;           // what is still to be done when it says that it is done
    State or_else;                              // empty: there is none
    std::shared_ptr<Seen> seen;                 // null: each case is run to its end
    std::string trace;                          // of the run: must be the same for the same seed
    std::vector<std::string> problems;          // of the run itself
};
// witness: is told of its plans.
Reference make_reference(const sim::Sim& world, const Entry& entry, const Witness& witness = {});

struct Judgement {
    std::vector<std::string> violations;
    bool happened = false;  // the fault came to be
    std::string told;       // what the runs printed: shown for a violation
    int second_calls = 0;   // requests of the run after the fault
    bool refused = false;   // after an actor: the rerun did not finish, and said why
    long long looks = 0, unseen_deletions = 0;
    bool as_another = false;  // it came to a state from which another case had gone on in the same way, to a good end
};
Judgement judge(const Reference& reference, const Case& one);

class Stage;
// A case in its two parts, since many cases have the way to their fault in common: what happens during the first run,
// and what follows.
class CaseJudge {
  public:
    virtual ~CaseJudge() = default;
    virtual Injection injection() = 0;
    virtual Judgement after(const Ending& first) = 0;
};
// All must outlive it. stage: on which the first run takes place, as process kFirst.
std::unique_ptr<CaseJudge> make_judge(const Reference& reference, const Case& one, Stage& stage);

}  // namespace holdfast::crash
