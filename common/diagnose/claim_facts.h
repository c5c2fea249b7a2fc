// Facts about one claim: its class, who provisions, where its data should come from, who mounts it.
#pragma once

#include "common/diagnose/finding.h"
#include "common/diagnose/gather.h"
#include "common/diagnose/snapshot_facts.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/resize.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::diagnose {

struct ClaimFacts {
    std::string space, name;
    Seen<kube::ClaimState> claim;
    kube::ResizeState growth;           // of a claim that is there
    std::vector<kube::Event> events;    // newest first
    std::vector<kube::Event> refusals;  // FailedCreate of whoever should have made it; only if it is absent
    Seen<std::vector<kube::StorageClass>> classes;
    Seen<kube::Volume> volume;                   // that spec.volumeName names
    Seen<std::vector<kube::Volume>> volumes;     // all, where nothing provisions for its class
    Sight driver = Sight::kUnknown;              // whether the class's, of a bound claim the volume's, is installed
    std::vector<kube::PodState> pods;            // that mount it
    std::optional<SnapshotFacts> from_snapshot;  // its data source
    Seen<kube::SnapshotContent> from_content;
    Seen<kube::ClaimState> from_claim;
    Seen<kube::Volume> from_volume;

    const kube::StorageClass* storage_class() const;  // the claim's own, or the default one; nullptr if there is none
};

ClaimFacts gather_claim(Gatherer& gatherer, const std::string& space, const std::string& name);
// Why it is not Bound, or is not what was asked for; nothing if all is well.
Findings judge_claim(const ClaimFacts& facts);

// The parts of it, one file each. REQUIRES: the claim is there.
inline constexpr char kClaimSourceDeleting[] = "claim-source-deleting";
inline constexpr char kClaimSourceMissing[] = "claim-source-missing";
Findings judge_data_source(const ClaimFacts& facts);  // its source is missing, not ready, too large, of another driver
Findings judge_dropped_source(
    const ClaimFacts& facts);  // what was asked for is not in the claim: an empty volume bound
// In what judge_growth() says of a driver that grows a volume only while no pod uses it: by this pvc-expand knows it.
inline constexpr char kGrowsOffline[] = "--restart offline stops its workload";
Findings judge_growth(const ClaimFacts& facts);     // bound, and asks for more than it has
Findings judge_static(const ClaimFacts& facts);     // nothing provisions: which volumes there are, and why none fits
std::string claim_object(const ClaimFacts& facts);  // "pvc/db/data-0"

}  // namespace holdfast::diagnose
