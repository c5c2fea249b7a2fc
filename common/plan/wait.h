// Waiting for objects: one list, then one watch for all of them, until each is as it should be.
#pragma once

#include "common/plan/executor.h"
#include "common/plan/step.h"

namespace holdfast::plan {

// The reason of an error about an object that was deleted while it was waited for.
inline constexpr char kDeletedMeanwhile[] = "DeletedMeanwhile";
// Error::reason where waiting longer would be in vain, as Explanation says.
inline constexpr char kNeverMore[] = "NeverMore";

// Whether what this deletion leaves has no controller until the object is made again (safety R29), which takes some
// tens of milliseconds: a watch that is held up on its way, or never opens, must not make that longer, and none is
// opened.
bool leaves_no_controller(const Delete& action);

// Ends well when observe() says kDone for every name. Ends with kTimeout when nothing moved for `stall` (an object's
// verdict or its text changing counts as movement), kConflict when an object was replaced by one of the same name,
// kFailed when it cannot become good any more, kInterrupted at the first signal (a cleaning one: at the second).
// Every error says which objects are still waited for, and why (World::explain).
// ask_every: the API server is asked again and again, at most this long after it answered, and no watch is opened: for
// what must not take longer where a watch is held up on its way. 0 : by a watch.
Status wait_for(const WaitFor& wait, const Step& step, World& world, const Limits& limits,
                std::chrono::milliseconds stall, std::chrono::milliseconds ask_every = {});

}  // namespace holdfast::plan
