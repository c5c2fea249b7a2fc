// status and abort: what operations have left, of all five plugins.
#pragma once

#include "common/plan/executor.h"
#include "common/plan/journal.h"
#include "common/plan/owners.h"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::plan {

struct OperationStatus {
    Journal journal;
    std::string target;  // what it is on, for people
    std::string owner;  // "runs", "stopped", "not heard of lately", "finished", "journal damaged", "journal unreadable"
    std::string who;    // "process 4711 on db1", while it runs or may run
    std::string resume;  // the command that goes on
    std::string abort;   // the command that says whether it still can be taken back, and does so without --dry-run
};
// Pure: what is said of a journal, given what is known of its owner.
OperationStatus describe(const Journal& journal, const Owner& owner);

// Steps that take an unfinished operation back: what it created, last first, only objects that carry its id, by uid.
// Claims that a pod uses are left and named in the notes. kRefused: it is finished.
Result<Plan> plan_abort(kube::ClusterReader& reader, const Journal& journal);
// plan_abort, or the operation's own way back.
using WayBack = std::function<Result<Plan>(kube::ClusterReader& reader)>;
// Carries out the way back that was `shown`, having taken hold of the operation (holding.h) and planned again:
// kConflict if that is not the same any more. Then the journal goes, and what the operation held. kLocked: its owner
// runs.
Outcome take_back(World& world, Journal& journal, const Plan& shown, const WayBack& back, const Limits& limits);

}  // namespace holdfast::plan
