// All of a simulated cluster that a later run can depend on, as text: two cases that have come to equal texts go on
// alike. Uids, times, versions and ids count only by what they are of. Unlike state.h, where two ends are equal when a
// user has no reason to tell them apart, journals and marks count with every word.
#pragma once

#include "tests/crash/state.h"

namespace holdfast::crash {

// start: of the world that this one was copied of. Nothing is due any more.
std::string whole_text(const sim::Sim& sim, const Known& start);

}  // namespace holdfast::crash
