// What is known of every wait that a command's steps have: who brings about what is waited for, what it is seen by, and
// what holds when the time is up. docs/waits.md is made of it; the crash matrix fails on a command that waits for
// something that stands in no row, a unit test on a plan that does. Pure.
#pragma once

#include "common/plan/step.h"

#include <string>
#include <vector>

namespace holdfast::plan {

struct Waiting {
    Condition condition = Condition::kExists;
    const kube::Resource* resource = nullptr;
    std::vector<std::string> commands;  // "snap create": those whose steps have it
    std::string acts;                   // who brings it about
    std::string bound;                  // "" : --timeout without progress
    std::string at_once;                // what ends it before that, and with which exit code
    std::string otherwise;              // when the time is up: what holds, what is safe, the next command
};

// Every row, in the order of the page.
const std::vector<Waiting>& waits();
// The row of a wait; nullptr: nobody has said what it waits for.
const Waiting* waiting(const kube::Resource& resource, Condition condition);
// What observe() looks at, for people: fields as they are called in the API.
std::string evidence_of(Condition condition);
// docs/waits.md.
std::string waits_page();

}  // namespace holdfast::plan
