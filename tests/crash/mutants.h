// The proof that the matrix can go red: each safeguard of each plan is taken out, and some case must fail.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::crash {

// Prints a line a mutant, at the end "N passed, M failed": failed are those that survive without a reason in the list.
int run_mutants(std::uint64_t seed, const std::string& only);

}  // namespace holdfast::crash
