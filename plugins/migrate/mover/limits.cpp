#include "plugins/migrate/mover/limits.h"

#include "common/core/text.h"
#include "common/os/files.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::mover {
namespace {

std::optional<double> number_in(std::string_view text) {
    double number = 0;
    text = trim(text);
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

std::string content_of(const std::string& path) { return read_file(path, 4096).value_or(""); }

std::optional<double> cpu_limit() {
    // In a container its own cgroup is mounted at the root.
    if (const auto limit = parse_cpu_max(content_of("/sys/fs/cgroup/cpu.max"))) return limit;
    const auto quota = number_in(content_of("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
    const auto period = number_in(content_of("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return *quota / *period;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
    const std::vector<std::string> parts = split(trim(text), ' ');
    if (parts.size() != 2 || parts[0] == "max") return std::nullopt;
    const auto quota = number_in(parts[0]), period = number_in(parts[1]);
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return *quota / *period;
}

Limits limits_for(double processors) {
    Limits limits{processors, 2};
    limits.threads = std::clamp(static_cast<int>(2 * processors), 2, 4);
    return limits;
}

Limits read_limits() {
    const double there = std::max(1u, std::thread::hardware_concurrency());
    return limits_for(std::min(there, cpu_limit().value_or(there)));
}

}  // namespace holdfast::mover
