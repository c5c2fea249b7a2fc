// Who else is at work on what an operation wants to change, or must not meet in the middle of a change (safety R1).
#pragma once

#include "common/plan/drive.h"

namespace holdfast::plan {

// kLocked: another operation has a lock of what this one heeds. One list where nobody has any.
Status heed_locks(World& world, Operation& operation, const Journal& journal);

// The same where the lock itself is lost, for an operation that begins: an unfinished journal locks one of its
// workloads though somebody deleted the Lease, or a workload carries the number of replicas that it was held down from
// though the journal is gone. kLocked. One list, and a read of each workload that it locks or heeds.
Status heed_unfinished(World& world, Operation& operation, const Journal& journal);

}  // namespace holdfast::plan
