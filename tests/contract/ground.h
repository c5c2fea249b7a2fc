// The two worlds in which a case can play.
#pragma once

#include "tests/contract/stage.h"

#include <memory>
#include <mutex>

namespace holdfast::contract {

// Where cases get their stages from; used by one thread each, made by one for all.
class World {
  public:
    virtual ~World() = default;
    // A ground with an empty namespace of that name; for the thread that asks.
    virtual Result<std::unique_ptr<Ground>> open(const std::string& space) = 0;
    // The case is over: what it made may go. Returns at once.
    virtual void close(Ground& ground, const std::string& space) = 0;
    // All cases are over: waits until everything is gone; what stays is an error.
    virtual Status finish() = 0;
    virtual int workers() const = 0;
};

// A fresh fork of one prepared simulator for each case: the classes, drivers and nodes of the test cluster.
std::unique_ptr<World> make_simulated_world();
// The cluster of a kubeconfig ("" : the usual one), by the client that the plugins use.
Result<std::unique_ptr<World>> make_real_world(const std::string& kubeconfig);

}  // namespace holdfast::contract
