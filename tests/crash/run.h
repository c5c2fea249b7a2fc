// Enumerates the cases, runs them on every processor, counts, and tells.
#pragma once

#include <string>
#include <vector>

namespace holdfast::crash {

int run_matrix(const std::vector<std::string>& words);

}  // namespace holdfast::crash
