// Durations as users type them and times as the API writes them. Pure.
#pragma once

#include "common/core/result.h"

#include <chrono>
#include <string>
#include <string_view>

namespace holdfast {

using SystemTime = std::chrono::system_clock::time_point;

// Go's time.ParseDuration ("1m30s", "500ms"), and a bare integer as seconds, as kubectl's --request-timeout takes it.
// kUsage: not a duration, negative, or over 10 years; the message names `what`.
Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view what);

// RFC 3339 in UTC with whole seconds ("2026-11-21T04:30:00Z"), as metav1.Time; parse takes fractions and offsets too.
std::string format_time(SystemTime time);
std::string format_time_micro(SystemTime time);  // metav1.MicroTime
Result<SystemTime> parse_time(std::string_view text);

}  // namespace holdfast
