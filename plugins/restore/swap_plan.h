// The rounds of a swap after its volumes are there, as pure functions of record and facts: each plans only what is not
// done yet, so that a resume needs no memory of how far an earlier run came. Order and reasons: docs/safety.md R9-R13.
#pragma once

#include "common/plan/step.h"
#include "plugins/restore/swap_facts.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

// REQUIRES: stage is not kProve. kConflict: somebody else's pod is on one of the claims, or a claim is another one.
Result<plan::Plan> plan_swap(Stage stage, const SwapRecord& record, const SwapFacts& facts,
                             const std::string& operation);

// Brings service back by the shorter way (R13): up again on the old volumes while no claim was deleted, else forward to
// the end of the swap. No steps: nothing is held down.
plan::Plan plan_service(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);

// Back to the start: service, throwaway pods, the temporary claims and their volumes, policies. kRefused after the
// first claim was deleted.
Result<plan::Plan> plan_back(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);
// The end of an operation whose workload was deleted or made anew by somebody: whatever it is now is left as it is. A
// claim that was not touched is taken back as by plan_back; of any other both volumes stay, under Retain and without
// our marks.
plan::Plan plan_close(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);

// R13 of an undo whose kept volume was lost after claims were deleted for it (lost_kept): forward there is nothing, so
// each claim is made anew on the volume that it had until now, and the workload started on them. What is left then are
// marks, which plan_back takes off. nullopt: that cannot be done, since one of these volumes or claims is somebody
// else's by now, or pods run.
std::optional<plan::Plan> plan_return(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);

// What the rounds need, asked for before the first write.
std::vector<kube::AccessCheck> swap_needs(const SwapRecord& record);
// The claims as they will be made anew, to be tried with dryRun=All before anything is changed: one that a webhook or a
// policy refuses after the old one was deleted would leave the workload down. Under another name, and on the old
// volume, since the new one is not there yet. None for an undo: it needs no room of a quota beside the old claims, and
// it is the way out of trouble.
std::vector<plan::Step> swap_rehearsal(const SwapRecord& record);
// The rounds that follow, in words, for the first plan.
std::vector<std::string> swap_in_words(const SwapRecord& record);

}  // namespace holdfast::restore
