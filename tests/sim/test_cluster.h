// The simulator as tests/cluster is set up: its classes, drivers and a node.
#pragma once

#include "tests/sim/sim.h"

#include <string>

namespace holdfast::sim {

Sim make_test_cluster(std::uint64_t seed);
// A namespace with what controllers put into every one.
void put_namespace(Sim& sim, const std::string& name);

}  // namespace holdfast::sim
