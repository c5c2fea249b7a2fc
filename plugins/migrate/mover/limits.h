// What the cgroup allows this process, and how to work within it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::mover {

struct Limits {
    double processors = 0;
    std::optional<std::uint64_t> memory;  // bytes
    int threads = 2;                      // two a processor, at most 4: they wait for disks more than they work
    std::size_t queued = 8;               // frames that may wait between two threads
};

// Content on its way takes no more than a quarter of the memory: the rest is for what the kernel counts beside it.
Limits limits_for(double processors, std::optional<std::uint64_t> memory);
Limits read_limits();

// Of the text of the kernel's file; nullopt: no limit, or not what the kernel writes.
std::optional<double> parse_cpu_max(std::string_view text);            // cgroup 2: "50000 100000", "max 100000"
std::optional<std::uint64_t> parse_memory_max(std::string_view text);  // "33554432", "max"

}  // namespace holdfast::mover
