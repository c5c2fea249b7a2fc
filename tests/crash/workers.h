// Runs pieces of work on every processor: forked workers, so that nothing is shared and a crash is told as what it is.
#pragma once

#include "tests/crash/coverage.h"
#include "tests/crash/plan_cases.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::crash {

struct Outcome {
    std::map<std::string, Tally> tallies;  // by entry
    std::string told;                      // violations, with the line that replays each
    bool died = false;                     // a worker crashed
    Outcome& operator+=(const Outcome& more);
};

// references: by entry name. Ends early after 30 violations of a worker.
Outcome work_off(const std::vector<Work>& work, const std::map<std::string, Reference>& references, int workers);
// Cases in this very process, from their beginning, with all that they print.
Outcome tell_one(const std::vector<Work>& work, const std::map<std::string, Reference>& references);

}  // namespace holdfast::crash
