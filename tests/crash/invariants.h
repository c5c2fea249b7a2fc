// What must hold after every single write, whoever makes it, and whatever fails (reliability: I1, I2, I4, I5, I15; the
// others are judged at a run's end).
#pragma once

#include "tests/sim/sim.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

class Invariants {
  public:
    // Looks at what there is to be kept: the state from which the case starts.
    explicit Invariants(const sim::Sim& start);
    // Watches every change from now on. The simulator must not outlive this.
    void watch(sim::Sim& sim);
    // Data that the command itself is asked to delete need not keep a handle.
    void release_cuts() { cuts_may_go_ = true; }
    const std::vector<std::string>& violations() const { return violations_; }
    long long looks() const { return looks_; }

  private:
    void look(const sim::Sim& sim, const sim::Change& change);
    void keep_tokens(const sim::Sim& sim);
    void keep_claim(const sim::Sim& sim, const sim::Change& change);
    void keep_volume(const sim::Change& change);
    void keep_pod(const sim::Sim& sim, const sim::Change& change);
    void violated(const std::string& what);

    std::set<std::string> tokens_;               // writers whose data must stay reachable
    std::map<std::string, std::string> claims_;  // "ns/name" of a claim at the start -> writer of its data
    std::vector<std::string> violations_;
    bool cuts_may_go_ = false;
    long long looks_ = 0;
};

}  // namespace holdfast::crash
