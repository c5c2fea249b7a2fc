// Requests of one run that are like others of it: what a fault does at one of them it does at all.
#pragma once

#include "tests/crash/fault.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

// The lease of a run is renewed many times, and nothing but its time is another one then.
class Renewals {
  public:
    // To be told of all requests of a run, in their order.
    bool renews(const sim::Call& call);

  private:
    std::set<std::string> written_;
};

// Of a run's requests, those of one kind between two changes are alike: reads of objects of one kind, of which nothing
// that they see is another one, and renewals. Each fault that does not depend on the object is tried at every fourth
// of them, in turn, and at one of them at least.
class Alike {
  public:
    Alike(const std::vector<sim::Call>& calls, const std::vector<bool>& changes);
    Alike(const Alike&) = delete;
    Alike& operator=(const Alike&) = delete;
    ~Alike() = default;
    bool renews(std::size_t at) const { return renews_[at]; }
    // Whether another request stands for this one.
    bool spares(std::size_t at, Fault fault) const;

  private:
    struct Place {
        std::size_t turn = 0;
        const std::size_t* alike = nullptr;  // how many; null: it is like no other
    };
    std::vector<bool> renews_;
    std::map<std::string, std::size_t> counts_;
    std::vector<Place> places_;
};

}  // namespace holdfast::crash
