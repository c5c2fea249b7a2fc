// Another program of the same name in PATH: one that is published as kubectl-snap deletes pods. Said by `version` and
// `doctor`, not at every start.
#pragma once

#include "common/app/context.h"

#include <string>
#include <vector>

namespace holdfast::app {

// Programs in PATH that would be run, or stand behind, instead of `own` (a path). Links to it do not count.
std::vector<std::string> namesakes(const std::vector<std::string>& found, const std::string& own);

// One warning on stderr for each.
void warn_of_namesakes(Context& context);

}  // namespace holdfast::app
