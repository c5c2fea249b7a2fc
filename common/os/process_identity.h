// Which process on which boot of which machine: tells a dead owner from a live one (safety R2).
#pragma once

#include <string>

namespace holdfast {

// "boot-id/pid-namespace/pid/start-time" of this process; "" where /proc cannot tell.
std::string process_identity();
std::string process_identity_of(int pid);

// This machine's name, for messages; "" if it has none.
std::string host_name();

enum class OwnerState { kSelf, kAlive, kDead, kElsewhere };
// kElsewhere: another boot or pid namespace: nothing can be known from here.
OwnerState owner_state(const std::string& identity);

}  // namespace holdfast
