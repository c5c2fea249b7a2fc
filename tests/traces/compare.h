// Whether a simulator can do what a real cluster was recorded to do. Pure.
//
// What is demanded, for each command of the trace:
//   - of every object: some run went through exactly the recorded states, in that order, none more and none less;
//   - of every two changes of two objects: some run that went through the recorded states of both had the two in the
//     recorded order;
//   - some run changed no object that the recording does not have.
// What is not: that one run does all of it at once. With twenty objects the order of everything is one of very many
// that independent controllers can produce, and no number of seeds would draw it. What a rule of the simulator forbids
// is a state, or that one change comes before another, and that stands out here.
#pragma once

#include "tests/traces/trace.h"

#include <cstddef>
#include <string>
#include <vector>

namespace holdfast::traces {

class Comparison {
  public:
    explicit Comparison(Trace recorded);

    // One run of the same commands on the simulator.
    void add(const Trace& simulated);
    // Everything demanded has been seen: further runs would change nothing.
    bool satisfied() const;
    // What no run has done, in words; empty if satisfied.
    std::vector<std::string> problems() const;

    std::size_t runs() const { return runs_; }
    std::size_t orders() const;  // pairs of changes that are compared

  private:
    struct Object {
        std::string name;
        std::vector<std::string> states;  // as recorded
        std::vector<std::size_t> places;  // of them, in the phase
        bool seen = false;                // some run had just these
        std::vector<std::string> example;
    };
    struct PhaseState {
        std::vector<Object> objects;
        // [earlier][later] of places: some run had both in this order. Those of one object are not looked at.
        std::vector<std::vector<bool>> in_order;
        bool nothing_else = false;     // a run changed only recorded objects
        std::vector<Event> something;  // what else the last run changed
    };
    static PhaseState expected(const Phase& phase);
    static void compare(PhaseState& state, const std::vector<Event>& events);
    template <typename F>
    static void each_missing(const PhaseState& state, const F& tell);
    static bool satisfied(const PhaseState& state);
    static void tell(const PhaseState& state, std::vector<std::string>& lines);

    Trace recorded_;
    std::vector<PhaseState> phases_;
    std::size_t runs_ = 0;
    std::string mismatch_;
};

}  // namespace holdfast::traces
