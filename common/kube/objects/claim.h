// A claim as restoring needs it: what it asks for, what it got, whether it is ours. A value, not a borrow. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/quantity.h"
#include "common/core/result.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

struct Claim {
    std::string name, space, uid;
    std::string phase, volume, storage_class, volume_mode;
    std::vector<std::string> access_modes;
    std::optional<Quantity> requested, capacity;
    bool deleting = false;
    std::string operation, role;           // labels of ours
    std::string restored_from;             // our annotation holdfast.dev/source
    std::string source_kind, source_name;  // spec.dataSource; "" : none
};
Claim claim_of(const Json& object);

// A size or mode that cannot be read is no zero and no default: kInvalid names the claim, the field and what stands
// there.
Status check_readable(const Json& claim);

}  // namespace holdfast::kube
