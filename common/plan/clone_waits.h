// The rows of waits.h that are kubectl clone's. Pure.
#pragma once

#include "common/plan/waits.h"

#include <vector>

namespace holdfast::plan {

std::vector<Waiting> clone_waits();

}  // namespace holdfast::plan
