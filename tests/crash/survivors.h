// Mutants that no case catches, each with the reason.
#pragma once

#include "tests/crash/mutants.h"

#include <string>
#include <vector>

namespace holdfast::crash {

// "" : there is none.
std::string reason_to_survive(const Mutant& mutant);
// Those in the list that are none of these.
std::vector<std::string> listed_without(const std::vector<Mutant>& mutants);

}  // namespace holdfast::crash
