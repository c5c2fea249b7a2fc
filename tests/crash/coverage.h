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
    // Of those with somebody else in them; in `refused` the rerun did not finish, and said why.
    long long with_actors = 0, refused = 0;
    // Deletions of a claim whose volume somebody had set to Delete after it was last read: see docs/testing.md.
    long long unseen = 0;
    long long as_another = 0;      // came to a state from which another case had gone on
    std::set<std::string> faults;  // and actors
    Tally& operator+=(const Tally& other);
};

// Commands of the plugins that write and have no entry in the matrix, kinds of steps that no entry takes: one line
// each.
std::vector<std::string> missing_commands();
std::vector<std::string> missing_steps(const std::vector<const Reference*>& references);
// Kinds of steps that no plan has, and waits of the commands' plans that stand in no row of docs/waits.md for this
// command.
std::vector<std::string> missing_in_plans(const sim::Sim& world);
// Faults and actors that never came to be, though some request allows them; commands in which no actor was.
std::vector<std::string> missing_faults(const std::map<std::string, Tally>& tallies);

}  // namespace holdfast::crash
