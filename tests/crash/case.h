// One case: a command, a fault at one of its requests, perhaps a second one in the run that follows; then the
// judgement.
#pragma once

#include "tests/crash/fault.h"
#include "tests/crash/matrix.h"
#include "tests/crash/state.h"

#include <string>
#include <vector>

namespace holdfast::crash {

struct Case {
    const Entry* entry = nullptr;
    Injection first, second;
    Way way = Way::kRerun;
    const Mutation* mutation = nullptr;
    std::string id() const;  // "snap-create/12/kill-before/rerun", with "/3/kill-before" for a second fault
};

// An entry's prepared world, and how it goes without any fault.
struct Reference {
    sim::Sim start{0};
    CommandLine line;
    std::vector<sim::Call> calls;
    State begin, end;
    State or_else;                      // empty: there is none
    std::string trace;                  // of the run: must be the same for the same seed
    std::vector<std::string> problems;  // of the run itself
};
// notes: is told which safeguards the plans have.
Reference make_reference(const sim::Sim& world, const Entry& entry, std::vector<Mutation>* notes = nullptr);

struct Judgement {
    std::vector<std::string> violations;
    bool happened = false;  // the fault came to be
    std::string told;       // what the runs printed: shown for a violation
    int second_calls = 0;   // requests of the run after the fault
    long long looks = 0;
};
Judgement judge(const Reference& reference, const Case& one);

}  // namespace holdfast::crash
