// status, abort and gc: what operations have left, of all five plugins.
#pragma once

#include "common/plan/executor.h"
#include "common/plan/journal.h"

#include <string>
#include <vector>

namespace holdfast::plan {

struct OperationStatus {
    Journal journal;
    std::string owner;   // "runs", "stopped", "runs elsewhere or stopped"
    std::string resume;  // the command that goes on
    std::string abort;   // the command that takes it back
};
// Pure: what is said of a journal, given what is known of its owner.
OperationStatus describe(const Journal& journal);

// Steps that take an unfinished operation back: what it created, last first, only objects that carry its id, by uid.
// Claims that a pod uses are left and named in the notes. kNotFound: no such journal. kLocked: its owner runs.
Result<Plan> plan_abort(kube::ClusterReader& reader, const Journal& journal);

// Whether an object is called as an operation calls its throwaways: by its id and more.
bool is_named_after(const std::string& name, const std::string& operation);

// What gc would remove in a namespace: throwaway objects of drills and opens, and consumers, whose operation has no
// journal or whose journal's owner is dead, and which are named after it and belong to no other object. Never a PV,
// claim or snapshot of anything else (safety R18). What it leaves and why is in the notes.
Result<Plan> plan_gc(kube::ClusterReader& reader, const std::string& space);

}  // namespace holdfast::plan
