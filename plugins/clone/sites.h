// A clone in another cluster on the same storage: which steps act on it, and what stands there so that it is found
// again. Pure.
#pragma once

#include "common/plan/step.h"
#include "plugins/clone/clone_options.h"

#include <string>

namespace holdfast::clone {

// Where the clone is made.
kube::Site site_of(const CloneOptions& options);
// " in context staging", or of a kubeconfig's own context " in the other cluster"; "" : it is in the source's cluster.
std::string where(const CloneOptions& options);
// The step acts on the cluster of the clone, and says so.
plan::Step in_place(const CloneOptions& options, plan::Step step);
// All of the plan does: its steps and what it will need.
void move_to_place(const CloneOptions& options, plan::Plan& plan);

// Of a clone in another cluster, where its journal is not: it is told where that is, before anything else is made there
// and until nothing is left to be gone on with.
kube::ObjectRef signpost_ref(const CloneOptions& options, const std::string& operation);
plan::Step put_signpost(const CloneOptions& options, const std::string& operation);
// After all steps of the plan.
void take_signpost(const CloneOptions& options, plan::Plan& plan, const std::string& operation);
// What these two need.
void need_signpost(const CloneOptions& options, plan::Plan& plan);

}  // namespace holdfast::clone
