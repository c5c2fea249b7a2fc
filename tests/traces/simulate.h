// A story told on the simulator: the plugins' own code, the controllers of tests/sim, the seed's order.
#pragma once

#include "tests/traces/trace.h"

#include <cstdint>
#include <string>

namespace holdfast::traces {

// Carries out the commands of `story` (its events are not looked at) on a cluster like tests/cluster's, and tells what
// that did. Commands are:
//   apply FILE                          objects of tests/traces/FILE are created
//   kubectl scale TYPE/NAME --replicas=N
//   kubectl delete TYPE/NAME
//   kubectl snap …, kubectl restore …   must end with exit code 0. OP1 stands for the id of the first operation
//   … # killed when OBJECT STATE        the process is killed when that change has come
// kFailed: what a command printed that did not go well.
Result<Trace> simulate(const Trace& story, const std::string& folder, std::uint64_t seed);

}  // namespace holdfast::traces
