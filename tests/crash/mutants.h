// The proof that the matrix can go red: each safeguard of each plan is taken out, and some case must fail.
#pragma once

#include "tests/crash/case.h"
#include "tests/crash/mutate.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

// A safeguard that the plans of one command lack, and the command's lines in whose plans it stands.
struct Mutant {
    std::string command;  // "restore in-place"
    Mutation mutation;
    std::vector<const Entry*> lines;  // the shortest first
    std::set<std::string> objects;    // what its steps change
    std::string name() const { return command + " " + mutation.id(); }
};

struct MutantChoice {
    std::string like;        // part of a name; "" : all
    std::size_t sample = 0;  // so many, drawn by sample_seed; 0: all
    std::uint64_t sample_seed = 0;
    std::size_t part = 0, parts = 1;  // every `parts`th of them from the `part`th on
    bool list = false;                // only their names
};

// Of all that the plans of those lines have in them: as they go without a fault, as they go on after Ctrl-C, and as
// abort takes them back. The references, by entry name, are added.
std::vector<Mutant> find_mutants(const sim::Sim& world, const std::vector<const Entry*>& lines,
                                 std::map<std::string, Reference>& references);

// The first case that fails with the mutant and is green without it, with what it violates; "" : none does.
std::string caught_by(const Mutant& mutant, const std::map<std::string, Reference>& references);

// Prints a line a mutant, at the end "N passed, M failed": failed are those that survive and are not listed
// (survivors.h), and those that are listed and are caught.
int run_mutants(std::uint64_t seed, const MutantChoice& choice);

}  // namespace holdfast::crash
