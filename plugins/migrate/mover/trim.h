// Before a pass over a target of which not everything is known: what the source no longer has goes from it first. It
// may be full of that, and a pass that copies before it removes would never get beyond the first file for which there
// is no room.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/state.h"
#include "plugins/migrate/mover/tree.h"

#include <string>

namespace holdfast::mover {

// The state's index loses the same entries before the target does, so that it never says that the target has what it
// has not. `epoch`: the target's. Looks at every name of the source, reads no content. Not for images.
Status trim_target(const Tree& source, TargetSide& target, State& state, const std::string& scratch,
                   std::uint64_t epoch, const Signals& signals);

}  // namespace holdfast::mover
