#include "common/core/log.h"

#include "common/core/text.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace holdfast::log {
namespace {

std::atomic<int> g_verbosity{0};

// spdlog's default logger writes to stdout, which is for results: this one writes to stderr.
spdlog::logger& logger() {
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("holdfast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("I%m%d %H:%M:%S.%f %v");
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

}  // namespace

void set_verbosity(int level) { g_verbosity = level; }
int verbosity() { return g_verbosity; }

void write(int level, std::string_view line) {
    if (!enabled(level)) return;
    try {
        logger().info("{}", escape_terminal(line));
    } catch (const std::exception&) {  // a log that cannot be written must not stop an operation
        return;
    }
}

}  // namespace holdfast::log
