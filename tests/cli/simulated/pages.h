// Lists and watches of a simulated cluster as the API server writes them.
#pragma once

#include "tests/cli/double/engine.h"
#include "tests/cli/double/place.h"
#include "tests/cli/simulated/live.h"

namespace holdfast::simulated {

// A query's parameter, "" if it is not there.
std::string parameter(const double_::Call& call, const std::string& name);
// The answer that the API server gives for the error.
double_::Reply error_reply(const Error& error);

// A page; later ones show the list as it was when the first one was read (410 once that is forgotten).
double_::Reply list_reply(const sim::Sim& sim, const double_::Call& call, const double_::Place& place);
// Events as they come, until timeoutSeconds are over or the world is replaced.
double_::Reply watch_reply(Side side, const double_::Call& call, const double_::Place& place);

}  // namespace holdfast::simulated
