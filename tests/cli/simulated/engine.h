// The Kubernetes API of a simulated cluster, as HTTP: discovery, access reviews, objects with create, read, list in
// pages, watch, patch, replace, delete, preconditions, dry run and Status errors. What an object does is tests/sim's.
// Not served, since no command of ours asks for it: rules reviews, logs, websockets, deletion of collections.
#pragma once

#include "tests/cli/double/engine.h"
#include "tests/cli/simulated/live.h"

#include <memory>

namespace holdfast::simulated {

// What the side is of must outlive it.
std::unique_ptr<double_::Engine> make_engine(Side side);

}  // namespace holdfast::simulated
