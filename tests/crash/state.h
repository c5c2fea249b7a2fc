// The state of a simulated cluster in a form in which two ways to the same end are equal: uids, times, versions and
// operation ids do not count; what the objects say and what the disks hold does.
#pragma once

#include "tests/sim/sim.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::crash {

using State = std::map<std::string, std::string>;  // object -> its text

// The texts of a world's objects, by the object itself: worlds that were copied of it share those that did not change.
// The world must outlive it.
using Known = std::map<const Json*, std::pair<std::string, std::string>>;
Known known_of(const sim::Sim& sim);
State state_of(const sim::Sim& sim, const Known& known = {});
// What differs, one line an object, at most ten; empty: nothing. An object may also be as in `or_else`.
std::vector<std::string> differences(const State& expected, const State& got, const State& or_else = {});
// Ids of the operations that have a journal: unfinished ones, and those whose journal is kept.
std::vector<std::string> open_operations(const sim::Sim& sim);
std::vector<std::string> done_operations(const sim::Sim& sim);

}  // namespace holdfast::crash
