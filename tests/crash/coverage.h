// What was covered, and what must be: every command that writes, every kind of step, every fault.
#pragma once

#include "tests/crash/case.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

struct Tally {
    long long cases = 0, doubles = 0, violations = 0, looks = 0;
    std::set<std::string> faults;
};

// Commands of the plugins that write and have no entry in the matrix, kinds of steps that no entry takes: one line
// each.
std::vector<std::string> missing_commands();
std::vector<std::string> missing_steps(const std::vector<const Reference*>& references);
// Faults that never came to be, though some request allows them.
std::vector<std::string> missing_faults(const std::map<std::string, Tally>& tallies);

}  // namespace holdfast::crash
