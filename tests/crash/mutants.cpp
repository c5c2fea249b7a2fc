#include "tests/crash/mutants.h"

#include "tests/crash/mutate.h"
#include "tests/crash/plan_cases.h"
#include "tests/crash/survivors.h"
#include "tests/crash/world.h"

#include <iostream>

namespace holdfast::crash {
namespace {

// One kill, or another client, at each request: what a safeguard is there for.
bool worth_trying(Fault fault) {
    return fault == Fault::kKillAfterCommit || fault == Fault::kKillBefore || fault == Fault::kSomebodyReplaces ||
           fault == Fault::kSomebodyChanges || fault == Fault::kDelay || fault == Fault::kSomebodyTakes;
}

// The first case that fails with the mutant; "" : none does.
std::string caught_by(const Entry& entry, const Reference& reference, const Mutation& mutation) {
    Case without;
    without.entry = &entry;
    without.first = {-1, Fault::kDelay};
    without.mutation = &mutation;
    if (!judge(reference, without).violations.empty()) return "a run without any fault";
    for (const Work& work : all_work(entry, reference)) {
        if (work.doubles || !worth_trying(work.first.first.fault) || work.first.way != Way::kRerun) continue;
        Case one = work.first;
        one.mutation = &mutation;
        if (!judge(reference, one).violations.empty()) return one.id();
    }
    return "";
}

}  // namespace

int run_mutants(std::uint64_t seed, const std::string& only) {
    const sim::Sim world = make_world(seed);
    long long caught = 0, survived = 0;
    for (const Entry& entry : matrix()) {
        if (entry.plugin.empty() || (!only.empty() && only != entry.name)) continue;
        std::vector<Mutation> mutations;
        const Reference reference = make_reference(world, entry, &mutations);
        for (const Mutation& mutation : mutations) {
            const std::string by = caught_by(entry, reference, mutation);
            const std::string reason = by.empty() ? reason_to_survive(entry, mutation) : "";
            const std::string name = entry.name + " " + mutation.id();
            if (!by.empty())
                std::cout << "caught    " << name << " by " << by << std::endl;
            else
                std::cout << (reason.empty() ? "SURVIVED  " : "listed    ") << name << ": " << reason << std::endl;
            (by.empty() && reason.empty() ? survived : caught) += 1;
        }
    }
    std::cout << caught << " passed, " << survived << " failed\n";
    return survived == 0 ? 0 : 1;
}

}  // namespace holdfast::crash
