// Mutants that no case catches, each with the reason.
#pragma once

#include "tests/crash/matrix.h"
#include "tests/crash/mutate.h"

namespace holdfast::crash {

// "" : there is none.
std::string reason_to_survive(const Entry& entry, const Mutation& mutation);

}  // namespace holdfast::crash
