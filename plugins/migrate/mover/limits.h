// What the cgroup allows this process, and how to work within it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::mover {

struct Limits {
    double processors = 0;
    std::uint64_t memory = 0;  // bytes; 0: no limit
    int threads = 1;           // two a processor, at most 4: they wait for disks more than they work
    bool direct = false;       // past the page cache: copying through it costs processors and memory that are not there
};

Limits limits_for(double processors, std::uint64_t memory);
Limits read_limits();

// Texts of the kernel's files; nullopt: no limit, or not what the kernel writes.
std::optional<double> parse_cpu_max(std::string_view text);              // cgroup 2: "50000 100000", "max 100000"
std::optional<std::uint64_t> parse_memory_limit(std::string_view text);  // "max", a number; a huge one is none

}  // namespace holdfast::mover
