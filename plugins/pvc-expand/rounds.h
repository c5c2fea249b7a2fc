// The rounds of an expansion as pure functions of record and state: each plans only what is not done yet, so that a
// resume needs no memory of how far an earlier run came. Claims first, the StatefulSet last: whoever stops in between
// leaves a workload that runs, and claims that say what is to be done.
#pragma once

#include "common/core/duration.h"
#include "common/plan/step.h"
#include "plugins/pvc-expand/state.h"

#include <string>
#include <vector>

namespace holdfast::expand {

// kConflict: a set was deleted or made anew by somebody else and is not what the journal says, or a rollout of it
// began; a claim that was to grow was deleted (what brings service back, and what follows a replacement, is planned all
// the same).
Result<plan::Plan> plan_round(Stage stage, const ExpandRecord& record, const ExpandState& state,
                              const std::string& operation, SystemTime now);

// A set that we have deleted is made anew and a workload that we hold down is started, whatever led here (safety R13).
// No steps: none is missing and none is down.
plan::Plan plan_service(const ExpandRecord& record, const ExpandState& state, const std::string& operation);

// What an abort that is granted does, a round at a time (Plan::last says which is the last): a set that is missing is
// made anew first of all, those that were made anew get their pods and fields, and the rest is plan_unmark's.
plan::Plan plan_way_out(const ExpandRecord& record, const ExpandState& state, const std::string& operation);

// What an operation leaves when it ends without having changed a StatefulSet: workloads are started again, and its
// marks go.
plan::Plan plan_unmark(const ExpandRecord& record, const ExpandState& state, const std::string& operation);

// What the API server is asked for with dryRun=All before the first write: a patch of each kind of claim, the deletion,
// and the creation under another name.
std::vector<plan::Step> rehearsal_of(const ExpandRecord& record, const ExpandState& state,
                                     const std::string& operation);
// What later rounds need, asked for before the first write.
std::vector<kube::AccessCheck> later_needs(const ExpandRecord& record);
std::vector<std::string> rounds_in_words(const ExpandRecord& record);

}  // namespace holdfast::expand
