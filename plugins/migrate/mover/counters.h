// What a copy has done until now; written by workers, read by whoever shows progress.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::mover {

struct Counters {
    std::atomic<std::uint64_t> entries = 0;     // looked at
    std::atomic<std::uint64_t> bytes = 0;       // of files looked at, whether read or not
    std::atomic<std::uint64_t> bytes_read = 0;  // from the source
    std::atomic<std::uint64_t> bytes_sent = 0;  // content given to the target
    std::atomic<std::uint64_t> changed = 0;     // entries given to the target
};

}  // namespace holdfast::mover
