#include "tests/sim/process.h"

#include "common/os/process_identity.h"
#include "common/os/random.h"

namespace holdfast {
namespace {

// One simulated process at a time in this thread: the functions below have no argument that could carry it.
sim::Turn& current() {
    thread_local sim::Turn one;
    return one;
}

}  // namespace

namespace sim {

void become_process(int pid, std::uint64_t seed) {
    current().pid = pid;
    current().dice = Dice(seed);
}

void keep_alive(int pid) { current().other = pid; }

Turn this_turn() { return current(); }

void take_turn(const Turn& turn) { current() = turn; }

}  // namespace sim

std::string process_identity() { return process_identity_of(current().pid); }

std::string process_identity_of(int pid) { return "simulated-boot/4026531836/" + std::to_string(pid) + "/1"; }

std::string host_name() { return "simulated-host"; }

OwnerState owner_state(const std::string& identity) {
    if (identity == process_identity()) return OwnerState::kSelf;
    return current().other != 0 && identity == process_identity_of(current().other) ? OwnerState::kAlive
                                                                                    : OwnerState::kDead;
}

std::string random_letters(int count) {
    constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";
    std::string letters;
    for (int i = 0; i < count; ++i) letters += kAlphabet[current().dice.next() % (sizeof kAlphabet - 1)];
    return letters;
}

}  // namespace holdfast
