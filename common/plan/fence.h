// The cluster as an operation's steps see it once it has begun: no write is sent by an owner that may have been
// replaced (safety R2), and an operation that locks sends every write with a resourceVersion, so that it fails if a
// takeover has touched the object since it was read (R3).
#pragma once

#include "common/plan/tenure.h"

#include <functional>
#include <memory>
#include <string>

namespace holdfast::plan {

struct Fence {
    std::string operation;
    int epoch = 0;
    // With locks: patches and deletes get a fresh resourceVersion where the step gives none, and are refused on an
    // object that a later owner has marked.
    bool locks = false;
    // Before objects are made, for which no resourceVersion can stand: a compare-and-swap of the journal.
    std::function<Status()> before_creates;
};

// inner and tenure must outlive it. kLocked: this process is no longer the owner; it wrote nothing.
std::unique_ptr<kube::Cluster> make_fenced(kube::Cluster& inner, Tenure& tenure, Fence fence);

// The epoch in such a mark of this operation; -1: it is not one.
int epoch_in(const std::string& mark, const std::string& operation);
// "OPERATION/EPOCH": what a takeover writes on every target.
std::string epoch_mark(const std::string& operation, int epoch);

}  // namespace holdfast::plan
