// What the faults that stand for somebody else leave on an object.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::crash {

inline constexpr char kMark[] = "somebody.example/was";

// Put there by somebody under a name of ours: his own, and no controller's.
inline bool put_there(const Json& object) {
    return !kube::annotation_of(object, kMark).empty() && kube::owners_of(object).empty();
}

}  // namespace holdfast::crash
