// The names of common/copies as kubectl clone uses them: what it shares with the other plugins that make copies of
// volumes.
#pragma once

#include "common/copies/targets.h"

namespace holdfast::clone {

using namespace copies;

}  // namespace holdfast::clone
