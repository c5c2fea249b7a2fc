#include "plugins/migrate/mover/limits.h"

#include "common/core/text.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/buffers.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::size_t kFewestBuffers = 4;  // one thread's, and one in the queue
constexpr std::size_t kFewestQueued = 2;   // for which a thread is given up

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

std::optional<std::uint64_t> memory_limit() {
    if (const auto limit = parse_memory_max(content_of("/sys/fs/cgroup/memory.max"))) return limit;
    return parse_memory_max(content_of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}

// Each thread fills a buffer while another one of its own is compressed; one is being sent or received.
std::size_t buffers_of(int threads) { return 2 * static_cast<std::size_t>(threads) + 1; }

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
    const std::vector<std::string> parts = split(trim(text), ' ');
    if (parts.size() != 2 || parts[0] == "max") return std::nullopt;
    const auto quota = number_in(parts[0]), period = number_in(parts[1]);
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return *quota / *period;
}

std::optional<std::uint64_t> parse_memory_max(std::string_view text) {
    text = trim(text);
    std::uint64_t bytes = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (failed != std::errc() || end != text.data() + text.size() || bytes == 0) return std::nullopt;
    return bytes;
}

Limits limits_for(double processors, std::optional<std::uint64_t> memory) {
    Limits limits;
    limits.processors = processors;
    limits.memory = memory;
    limits.threads = std::clamp(static_cast<int>(2 * processors), 2, 4);
    if (!memory) return limits;
    const std::size_t buffers = std::max<std::size_t>(kFewestBuffers, *memory / 4 / kBufferSize);
    while (limits.threads > 1 && buffers_of(limits.threads) + kFewestQueued > buffers) --limits.threads;
    limits.queued = std::clamp(buffers - buffers_of(limits.threads), std::size_t{1}, limits.queued);
    return limits;
}

Limits read_limits() {
    const double there = std::max(1u, std::thread::hardware_concurrency());
    return limits_for(std::min(there, cpu_limit().value_or(there)), memory_limit());
}

}  // namespace holdfast::mover
