// Facts about one VolumeSnapshot, layer by layer: discovery, class, claim and volume, content, driver.
#pragma once

#include "common/diagnose/finding.h"
#include "common/diagnose/gather.h"
#include "common/kube/objects/claim_state.h"

#include <string>
#include <vector>

namespace holdfast::diagnose {

struct SnapshotFacts {
    std::string space, name;
    Sight served = Sight::kUnknown;  // the API server knows VolumeSnapshots
    Seen<kube::Snapshot> snapshot;
    std::vector<kube::Event> events;  // newest first
    Seen<std::vector<kube::SnapshotClass>> classes;
    Seen<kube::ClaimState> claim;  // that it is taken of
    Seen<kube::Volume> volume;     // of that claim
    std::string volume_driver;     // by the volume, else by the claim's annotation; "" if unknown or not CSI
    Seen<kube::SnapshotContent> content;
    std::vector<kube::Event> content_events;
    Sight content_driver = Sight::kUnknown;   // whether the content's driver is installed
    std::vector<std::string> pending_claims;  // that want to be filled from it: they hold its deletion
};

SnapshotFacts gather_snapshot(Gatherer& gatherer, const std::string& space, const std::string& name);
// Why it is not ready; nothing if it is.
Findings judge_snapshot(const SnapshotFacts& facts);

// The class that an explicit or empty name means for a driver. Finds what is wrong with the choice, if anything; also
// for a snapshot that is only planned. `object` is whom the findings are about.
Findings judge_snapshot_class(const Seen<std::vector<kube::SnapshotClass>>& classes, const std::string& class_name,
                              const std::string& volume_driver, const std::string& object);
// The same before a snapshot is taken, for a tool that may name the class itself: no default is worth a hint only.
Findings judge_planned_class(const Seen<std::vector<kube::SnapshotClass>>& classes, const std::string& volume_driver,
                             const std::string& object);
// What is said where the snapshot API itself is missing.
Finding snapshot_api_missing(const std::string& object);
// What is said of a volume that no CSI driver serves.
Finding volume_not_csi(const std::string& object, const kube::Volume& volume);

}  // namespace holdfast::diagnose
