// The names of common/copies as kubectl snap uses them: what it shares with the other plugins that make copies of
// volumes.
#pragma once

#include "common/copies/targets.h"

namespace holdfast::snap {

using namespace copies;

}  // namespace holdfast::snap
