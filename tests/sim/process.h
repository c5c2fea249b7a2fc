// The process that the code under test thinks it runs in. process.cpp takes the place of common/os/process_identity.cpp
// and common/os/random.cpp at link time, so that identities and random names come from the case's seed.
#pragma once

#include "tests/sim/random.h"

#include <cstdint>

namespace holdfast::sim {

// From now on this process runs; the ones before it are dead.
void become_process(int pid, std::uint64_t seed);
// Besides us, this one counts as alive. 0: none.
void keep_alive(int pid);

// Who runs now, to be gone back to after another process had its turn.
struct Turn {
    int pid = 100;
    int other = 0;
    Dice dice{1};
};
Turn this_turn();
void take_turn(const Turn& turn);

}  // namespace holdfast::sim
