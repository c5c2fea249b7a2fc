// Why kept volumes must not be put back as things stand: what would be found out with the workload down is looked at
// before. Each gives kRefused with the fact and the remedy.
#pragma once

#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/kept.h"

#include <string>
#include <vector>

namespace holdfast::restore {

int kept_ordinal(const Json& workload, const std::string& claim);  // -1: none

Status check_kept(const KeptVolume& kept);  // free, and not going
// R9: the volume itself says what would bind to it.
Status check_fits(const InPlaceFacts& facts, const SwapRecord& record, const Swap& swap, const KeptVolume& kept);
// R18: ordinals that were added since would stay on what they have written meanwhile.
Status check_added(const InPlaceFacts& facts, const KeptOperation& kept);

// Somebody may have made a volume of their own on the same disk, to get at its data, and use it.
Status check_shared(kube::ClusterReader& reader, const KeptOperation& kept);
// No node from which a volume can be reached, or none that has its driver: the pods would never start. Where no pod is
// stopped, and where nothing may be listed, only notes are made.
Status check_reach(kube::ClusterReader& reader, const InPlaceFacts& facts, const SwapRecord& record,
                   const KeptOperation& kept, std::vector<std::string>& notes);
Status check_driver(kube::ClusterReader& reader, const InPlaceFacts& facts, const SwapRecord& record,
                    const KeptOperation& kept, std::vector<std::string>& notes);

}  // namespace holdfast::restore
