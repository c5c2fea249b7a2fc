// Why a workload must not be restored in place as it stands (safety R17 and its like). Pure. Each gives kRefused with
// the fact and the remedy.
#pragma once

#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/swap.h"

namespace holdfast::restore {

Error refuse(const std::string& message, const std::string& hint);

Status check_owner(const InPlaceOptions& options, const InPlaceFacts& facts);  // operators, GitOps, KEDA
// What the mark of the volumes that are taken out says of their files: the image of a database that runs on them,
// ready, and whose tag says its version. "": that is not known, for example since the wrong version was put on them.
std::string database_image(const InPlaceFacts& facts);
// The same of an undo, by what the mark says.
Status check_kept_version(const InPlaceFacts& facts, const std::string& operation, const std::string& image);
Status check_version(const InPlaceFacts& facts);  // database's major version
Status check_skew(const InPlaceOptions& options, const InPlaceFacts& facts, std::size_t claims);
// An autoscaler heeds 0 replicas and no other number: with an ordinal whose lower ones run on it would interfere.
Status check_autoscalers(const InPlaceFacts& facts, const SwapRecord& record);
Status check_claim_states(const InPlaceFacts& facts, const SwapRecord& record);  // R8, R11, foreign finalizers
Status check_bindings(const InPlaceFacts& facts, const SwapRecord& record);      // R9
Status check_pods(const InPlaceOptions& options, const InPlaceFacts& facts, const SwapRecord& record);

}  // namespace holdfast::restore
