// The crash matrix: every request of every command, every fault, then the command again; see docs/testing.md.
//
//   crash_tests                     everything
//   crash_tests --sample N HASH     N cases, chosen by the hash
//   crash_tests --case ID           one case, with what it printed
//   crash_tests --only NAME         one command;  --list: names of the cases;  --requests: what it sends
//   crash_tests --fault NAME        the cases of one fault or actor
//   crash_tests --actors            only the cases with somebody else in them;  --every: before every request
//   crash_tests --mutants           takes out one safeguard after the other: the matrix must go red;  --list: their
//                                   names;  --only WORDS: those with the words in their name;  --sample N HASH: N;
//                                   --part I N: the Ith (from 0) of N parts, for a run in pieces
#include "tests/crash/run.h"

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    return holdfast::crash::run_matrix(words);
}
