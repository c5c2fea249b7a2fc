// What the cgroup allows this process, and how to work within it.
#pragma once

#include <optional>
#include <string_view>

namespace holdfast::mover {

struct Limits {
    double processors = 0;
    int threads = 2;  // two a processor, at most 4: they wait for disks more than they work
};

Limits limits_for(double processors);
Limits read_limits();

// Of the text of the kernel's file; nullopt: no limit, or not what the kernel writes.
std::optional<double> parse_cpu_max(std::string_view text);  // cgroup 2: "50000 100000", "max 100000"

}  // namespace holdfast::mover
