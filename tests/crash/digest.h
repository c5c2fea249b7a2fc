// What matters of a world after several hands were at work in it: which data each claim has, what runs, what is left.
#pragma once

#include "tests/sim/sim.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

// disks: those of the world, before anything was prepared, so that data which is still where it was differs from a copy
// of it.
std::map<std::string, std::string> digest_of(const sim::Sim& sim, const std::set<std::string>& disks);

// What exit 0 may not leave to be done: workloads whose pods are not ready, pods that nobody controls any more, claims
// that are not bound, throwaways and volumes that are still going. One line each, with no generated name in it.
inline constexpr char kVolumeGoes[] = "a volume is going";
std::set<std::string> unfinished_in(const sim::Sim& sim);
// Workloads of which not every pod is ready, and pods that are going.
std::set<std::string> not_up_in(const sim::Sim& sim);

// One line each; keys that begin with one of `except` are not compared.
std::vector<std::string> digest_differences(const std::map<std::string, std::string>& expected,
                                            const std::map<std::string, std::string>& got,
                                            const std::set<std::string>& except);

}  // namespace holdfast::crash
