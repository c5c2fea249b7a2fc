#include "tests/crash/survivors.h"

#include <algorithm>
#include <array>

namespace holdfast::crash {
namespace {

struct Survivor {
    const char *name, *reason;
};

constexpr std::array<Survivor, 0> kSurvivors = {};

}  // namespace

std::string reason_to_survive(const Mutant& mutant) {
    for (const Survivor& one : kSurvivors) {
        if (mutant.name() == one.name) return one.reason;
    }
    return "";
}

std::vector<std::string> listed_without(const std::vector<Mutant>& mutants) {
    std::vector<std::string> left;
    for (const Survivor& one : kSurvivors) {
        const bool known =
            std::any_of(mutants.begin(), mutants.end(), [&](const Mutant& other) { return other.name() == one.name; });
        if (!known) left.push_back(one.name);
    }
    return left;
}

}  // namespace holdfast::crash
