// A case with somebody else in it, and how it is judged: what held before every write still does, the command ended
// well or said what is wrong, and running it again finishes it or refuses with all data there.
#pragma once

#include "tests/crash/case.h"

namespace holdfast::crash {

std::unique_ptr<CaseJudge> make_actor_judge(const Reference& reference, const Case& one, Stage& stage);

}  // namespace holdfast::crash
