// What the simulator or the plugin draws by chance, in the texts of objects: uids, times, operation ids, random ends of
// names. Two worlds that differ in nothing else have equal texts.
#pragma once

#include "tests/sim/sim.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace holdfast::crash {

struct Names {
    std::map<std::string, std::string> uids;  // -> the object's own name
    std::set<std::string> operations;
    std::map<std::string, std::string> generated;  // a Deployment's pod -> its name without the random end
    bool apart = false;                            // each operation has a number of its own
};

// Of all that there is in the world, or was since its history begins. apart: objects of one name that were there one
// after the other are told from each other.
Names names_of(const sim::Sim& sim);
Names names_apart(const sim::Sim& sim);

// The text with names in the place of uids, TIME in that of times, OPERATION in that of operation ids.
std::string plain(std::string_view text, const Names& names);
void drop_digits_after(std::string& text, std::string_view key);

}  // namespace holdfast::crash
