// Which claims become members of the set, and with which class: decided from facts, every refusal with its reason.
// Pure.
#pragma once

#include "common/copies/cut_request.h"
#include "common/copies/live_facts.h"
#include "common/kube/objects/snapshot_set.h"

#include <string>
#include <vector>

namespace holdfast::copies {

struct Members {
    std::vector<kube::SetMember> members;  // complete but for what only exists after the cut
    std::vector<std::string> notes;
};

// Without `as_set` neither snapshot class nor names are chosen.
// kRefused: a claim is missing, not bound, going away, or on a volume that cannot be snapshotted; no class fits, or
// several do.
Result<Members> choose_members(const LiveFacts& facts, const CutRequest& options, const std::string& set);

}  // namespace holdfast::copies
