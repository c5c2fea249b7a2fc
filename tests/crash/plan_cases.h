// Which cases there are: every request, every fault that can happen to it, every way to go on; and second kills.
#pragma once

#include "tests/crash/case.h"

#include <cstdint>
#include <vector>

namespace holdfast::crash {

// One piece of work: a case, and for `doubles` the same with a second kill at every request of the run that follows
// that can change anything (at one of all, if `pick` is not negative).
struct Work {
    Case first;
    bool doubles = false;
    long long pick = -1;
};

// everywhere: somebody else before every request, whatever the entry says, kills of every kind with every way to go on,
// and faults at requests that are alike.
std::vector<Work> all_work(const Entry& entry, const Reference& reference, bool everywhere = false);
// `count` cases, one in five with a second kill, and a fifth of that with an actor; drawn by the seed.
std::vector<Work> sample(std::vector<Work> all, std::size_t count, std::uint64_t seed);

}  // namespace holdfast::crash
