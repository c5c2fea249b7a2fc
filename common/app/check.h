// What can be told wrong about parsed words without asking anyone. Pure.
#pragma once

#include "common/app/command.h"

namespace holdfast::app {

// kUsage naming both flags of a contradiction.
Status check_exclusive(const Command& command, const Arguments& arguments);
// kUsage for a word that stands where an object's name does and cannot be one; kRefused for an empty --selector, which
// would mean every claim.
Status check_names(const Command& command, const Arguments& arguments);

}  // namespace holdfast::app
