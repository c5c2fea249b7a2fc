// The proof that the matrix can go red: each safeguard of each plan is taken out, and some case must fail.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::crash {

struct MutantChoice {
    std::string only;        // a command; "" : all
    std::size_t sample = 0;  // so many, drawn by sample_seed; 0: all
    std::uint64_t sample_seed = 0;
};

// Prints a line a mutant, at the end "N passed, M failed": failed are those that survive without a reason in the list.
int run_mutants(std::uint64_t seed, const MutantChoice& choice);

}  // namespace holdfast::crash
