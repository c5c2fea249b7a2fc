// Mutants: the plugins' own plans with one safeguard taken out. The matrix must go red for each.
#pragma once

#include "common/app/command.h"
#include "common/plan/step.h"
#include "tests/crash/command.h"

#include <string>
#include <vector>

namespace holdfast::crash {

// "no-wait" (the step is left out), "no-precondition" (uid and resourceVersion are dropped), "no-survive" (what must
// survive is not compared), "no-order" (a create waits for no other step), "no-step" (a patch is left out: Retain, for
// one; a reservation), "no-reread" (objects of one kind are looked at once, and believed from then on).
struct Mutation {
    std::string kind;
    std::string step;  // its id, or a kind of objects; "*" stands for the claim, pod, volume or number in it, "OWN*"
                       // for what bears the operation's name
    std::string object = {};  // what the step changes, of "no-precondition"
    std::string id() const { return kind + ":" + step; }
};

// Which mutants the steps of a plan give.
std::vector<Mutation> mutations_of(const plan::Plan& plan);
// The plan without the safeguard; as it is if it has no such step.
plan::Plan mutated(plan::Plan plan, const Mutation& mutation);

// The plugin with every operation's plans mutated, or only seen.
app::Plugin with_mutation(app::Plugin plugin, const Mutation& mutation);
app::Plugin seen_by(app::Plugin plugin, const Witness& witness);

}  // namespace holdfast::crash
