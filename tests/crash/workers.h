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
};

// references: by entry name. Ends early after 30 violations.
Outcome work_off(const std::vector<Work>& work, const std::map<std::string, Reference>& references, int workers,
                 bool tell_all);

}  // namespace holdfast::crash
