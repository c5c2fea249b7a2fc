// The log of -v levels, on stderr, kubectl's meaning of each level (6: requests, 8: bodies, ...). The only header that
// knows spdlog is log.cpp. Text given here must already be masked (http/mask.h).
#pragma once

#include <string>
#include <string_view>

namespace holdfast::log {

void set_verbosity(int level);
int verbosity();
inline bool enabled(int level) { return verbosity() >= level; }
// One line on stderr, if the verbosity is at least `level`. Never throws; control characters are escaped here.
void write(int level, std::string_view line);

}  // namespace holdfast::log
