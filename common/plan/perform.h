// The writes, each safe to repeat: look, act, and after an answer that was lost look again before acting again.
#pragma once

#include "common/plan/executor.h"

#include <vector>

namespace holdfast::plan {

// Eight in flight; one status per create, in order. The operation's labels are added. A name that is taken is ours if
// the object there carries the operation's id (an earlier run made it), else kLocked. What must survive is compared in
// the answer and in a fresh read.
std::vector<Status> perform_creates(const std::vector<const Create*>& creates, const std::string& operation,
                                    World& world, const Limits& limits);
// Already as the patch says counts as done. kConflict: replaced or changed since it was read.
// Eight in flight; each judged as perform_patch does.
std::vector<Status> perform_patches(const std::vector<const Patch*>& patches, World& world, const Limits& limits);
Status perform_patch(const Patch& patch, World& world, const Limits& limits);
Status perform_scale(const Scale& scale, World& world, const Limits& limits);
// Already gone counts as done; waits until it is gone where the action says so.
Status perform_delete(const Delete& action, const Step& step, World& world, const Limits& limits,
                      std::chrono::milliseconds stall);

}  // namespace holdfast::plan
