// gc: what operations have left that nobody goes on with, of all five plugins.
#pragma once

#include "common/plan/owners.h"
#include "common/plan/step.h"

#include <string>

namespace holdfast::plan {

// Whether an object is called as an operation calls its throwaways: by its id and more.
bool is_named_after(const std::string& name, const std::string& operation);

// What gc would remove in a namespace: throwaway objects of drills and opens, and consumers, whose operation has no
// journal or whose journal's owner is dead, and which are named after it and belong to no other object; and Leases that
// nobody holds of operations without a journal, of which no volume and no claim tells either. Never a PV, claim or
// snapshot of anything else (safety R18). What it leaves and why is in the notes. Waits up to 9 s where an owner is
// silent.
Result<Plan> plan_gc(kube::ClusterReader& reader, const std::string& space, const Self& self, const Patience& patience);

}  // namespace holdfast::plan
