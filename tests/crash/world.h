// The cluster that every case starts from.
#pragma once

#include "tests/sim/sim.h"

namespace holdfast::crash {

// Namespace bookstore with StatefulSet postgres (claims data and wal of each of two ordinals, class fast), Deployment
// files (claim files, class slow, which waits for a pod), classes of volumes and snapshots, everything running.
sim::Sim make_world(std::uint64_t seed);
Json retention();  // of the claims of sts/postgres there

// A second cluster on the same storage: a namespace of the same name, nothing in it.
void add_other_cluster(sim::Sim& sim);

}  // namespace holdfast::crash
