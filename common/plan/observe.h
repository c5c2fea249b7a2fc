// How far an object is from what a wait waits for: pure, one verdict a look.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/plan/step.h"

#include <nlohmann/json.hpp>

#include <string>

namespace holdfast::plan {

struct Verdict {
    enum class State { kDone, kWaiting, kFailed } state = State::kWaiting;
    std::string detail;                   // what is missing, for progress lines; an error text of the server is escaped
    ErrorKind kind = ErrorKind::kFailed;  // of the error that kFailed becomes; kUnavailable: an image cannot be had
};

// object: nullptr if it does not exist. kFailed only for what cannot become good by itself: a snapshot's status.error
// is not final (external-snapshotter retries for ever), a pod's phase Failed is, and so is
// an image that could not be pulled: the kubelet tries on, but nobody is served by waiting for a name that does not
// exist.
Verdict observe(Condition condition, const Json* object);

// kClaimBound, and to this volume: bound to another one it has failed (kConflict).
Verdict observe_bound_to(const Json* claim, const std::string& volume);

// kResized and kGrown with a size: capacity is what counts (expansion has conditions that come and go, and ones that
// stay). Failed (kUnavailable, exit 5) once the driver has said for this very size that it cannot be.
Verdict observe_resized(const Json* claim, const std::string& size, bool node_may_wait);

// kAdopted: its controller is the object of this uid.
Verdict observe_adopted(const Json* object, const std::string& owner);

// The name of a condition in the journal and in titles: "snapshot-ready".
std::string condition_name(Condition condition);
std::optional<Condition> condition_from(const std::string& name);

}  // namespace holdfast::plan
