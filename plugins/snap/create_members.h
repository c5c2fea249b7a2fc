// Which claims become members of the set, and with which class: decided from facts, every refusal with its reason.
// Pure.
#pragma once

#include "common/kube/objects/snapshot_set.h"
#include "plugins/snap/create_facts.h"
#include "plugins/snap/create_options.h"

#include <string>
#include <vector>

namespace holdfast::snap {

struct Members {
    std::vector<kube::SetMember> members;  // complete but for what only exists after the cut
    std::vector<std::string> notes;
};

// kRefused: a claim is missing, not bound, going away, or on a volume that cannot be snapshotted; no class fits, or
// several do.
Result<Members> choose_members(const CreateFacts& facts, const CreateOptions& options, const std::string& set);

}  // namespace holdfast::snap
