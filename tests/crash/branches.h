// The cases of one command as branches of one run: at each request the process forks for every case whose fault or
// actor comes there, so that what goes before it is run once for all of them. A second kill is a branch of the run that
// follows in the same way. Each branch is the same run, byte for byte, as its case alone (crash_tests --case ID).
#pragma once

#include "tests/crash/plan_cases.h"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::crash {

// Takes what the branches have to tell, as text; false: no more is wanted.
using Listener = std::function<bool(const std::string& text)>;

// Runs them all, one after the other. `tell` makes the text of a case and its judgement, in the branch's own process. A
// branch that dies or hangs is told of as a violation.
void run_branches(const Reference& reference, const std::vector<const Work*>& works,
                  const std::function<std::string(const Case&, const Judgement&)>& tell, const Listener& listen);

}  // namespace holdfast::crash
