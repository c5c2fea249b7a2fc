// A watch: a reading of the store's history from a revision on, and the ways in which it may go wrong.
#pragma once

#include "tests/sim/gate.h"
#include "tests/sim/sim.h"

namespace holdfast::sim {

struct WatchRequest {
    kube::Resource resource;
    std::string space;
    kube::ListOptions options;
    long long from = 0;
    WatchFault fault = WatchFault::kNone;
    bool from_start = false;  // what is there now is told as added first
};
std::unique_ptr<kube::Watch> make_sim_watch(Sim& sim, WatchRequest request);

}  // namespace holdfast::sim
