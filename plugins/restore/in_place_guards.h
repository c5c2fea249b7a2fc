// Why a workload must not be restored in place as it stands (safety R17 and its like). Pure. Each gives kRefused with
// the fact and the remedy.
#pragma once

#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/swap.h"

namespace holdfast::restore {

Error refuse(const std::string& message, const std::string& hint);

Status check_owner(const InPlaceOptions& options, const InPlaceFacts& facts);  // operators, GitOps, KEDA
Status check_version(const InPlaceFacts& facts);                               // database's major version
Status check_skew(const InPlaceOptions& options, const InPlaceFacts& facts, std::size_t claims);
Status check_claims(const InPlaceFacts& facts, const SwapRecord& record);  // R8, R9, R11: claims and volumes
Status check_pods(const InPlaceOptions& options, const InPlaceFacts& facts, const SwapRecord& record);

}  // namespace holdfast::restore
