// What growing is refused for, each with the remedy, and what it warns of: all before any change. Pure.
#pragma once

#include "plugins/pvc-expand/facts.h"
#include "plugins/pvc-expand/record.h"

#include <string>
#include <vector>

namespace holdfast::expand {

// kRefused: an operator's; its own field is named. what: "sts/shop/db".
Status check_owner(const std::string& what, const Json& workload);
// kRefused: the StatefulSet is being deleted, held by a finalizer (its name would not come free), not seen by its
// controller, or in the middle of a rollout.
Status check_set(const std::string& space, const ExpandFacts& facts, const Json& set);
// kRefused: what is of the StatefulSet would be taken up by another workload while it is replaced.
Status check_alone(const std::string& space, const ExpandFacts& facts, const Json& set);
// kRefused: a claim that is not bound, being deleted, of a class that does not expand, an operator's, mounted by
// another pod, or whose status would keep the resizer from acting.
Status check_claims(const ExpandFacts& facts, const ExpandRecord& record);
// kRefused: what a StatefulSet is made anew from does not fit into an annotation of a claim, so that a lost journal
// would lose it, or not beside what the claim has already; or what a workload that is stopped was.
Status check_traces(const ExpandFacts& facts, const ExpandRecord& record, const std::string& operation);
// kConflict: a claim carries the mark of another operation that is not finished, and which these claims are of too.
Status check_unfinished(const ExpandFacts& facts, const ExpandRecord& record, const std::string& operation);
// kRefused: the claim asks for more than `target`, which it will never get: to grow it must ask for less first.
Status check_asked(const std::string& space, const Json& claim, const Quantity& target);
// kRefused: a ResourceQuota has no room for what is added; needed and available are said.
Status check_quota(const ExpandFacts& facts, const ExpandRecord& record);

// kRefused, where pods may be restarted: one that nobody would make again, or that would come with another template.
Status check_restarts(const ExpandFacts& facts, const ExpandRecord& record);
// With kOffline: which workloads are stopped, added to the record, and what there is to know of that. kRefused: one
// that an operator owns or that something would start again meanwhile; a pod on a lost node; one of a workload that is
// not the target's.
Status choose_stopped(const ExpandOptions& options, const ExpandFacts& facts, ExpandRecord& record,
                      std::vector<std::string>& notes);

// Of a claim that grows by itself: the StatefulSet whose template made it, by the pod that mounts it; "" : none.
std::string set_of_claim(const ExpandFacts& facts, const std::string& claim);

// Argo CD, Flux and Helm put back what Git says: where the size stands there.
void note_deployer(std::vector<std::string>& notes, const Json& set, const kube::TemplateSizes& sizes);

}  // namespace holdfast::expand
