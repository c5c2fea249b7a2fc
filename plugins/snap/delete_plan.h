// The plan of `snap delete`, decided from facts. Pure.
#pragma once

#include "common/plan/operation.h"
#include "common/plan/step.h"
#include "plugins/snap/chain.h"

#include <string>
#include <vector>

namespace holdfast::snap {

struct DeleteOptions {
    std::vector<std::string> names;
    bool force = false;
    bool storage = false;  // contents under Retain too
};

// What else there is: whether something ready, or checked, is left of a workload afterwards.
struct Standing {
    std::string name;  // set's or snapshot's
    bool is_set = true;
    std::string workload;  // "StatefulSet/postgres", else the target, "sts/a,sts/b"; "pvc/data" for a single snapshot
    std::vector<std::string> claims;     // members' claims: a ready member is a ready snapshot of its claim
    std::vector<std::string> snapshots;  // a set's members: without one of them the set cannot be restored
    bool ready = false;                  // complete, every member there and ready
    bool checked = false;                // VERIFIED level "checked"
};

struct DeleteFacts {
    std::string space;
    std::vector<Subject> subjects;
    std::vector<Standing> standings;         // of the whole namespace, the subjects included
    std::vector<std::string> open_journals;  // operations of this namespace that are not finished
};

Result<DeleteFacts> gather_delete(kube::ClusterReader& reader, const std::string& space, const DeleteOptions& options,
                                  bool resuming);

// kRefused: the last ready or checked one, or one that a claim still needs (each names --force); kLocked: a set that is
// just being made. `resuming`: what was allowed once is not asked again, for its own deletions have changed the facts.
Result<plan::Plan> plan_delete(const DeleteFacts& facts, const DeleteOptions& options, bool resuming);

}  // namespace holdfast::snap
