// Facts about how well the data of one workload (or claim) is kept: policies, copies, rehearsals.
#pragma once

#include "common/diagnose/finding.h"
#include "common/diagnose/gather.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/objects/workload_state.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::diagnose {

struct HeldClaim {
    kube::ClaimState claim;
    Seen<kube::Volume> volume;
    std::string driver;  // of the volume, else as the claim says; "" if unknown or not CSI
};

struct KeptSnapshot {
    kube::Snapshot snapshot;
    std::string deletion_policy;  // of its content; "" if it may not be read
};

struct PracticeFacts {
    std::string object, target;  // "sts/db/postgres" for findings, "sts/postgres" for commands
    std::string space;
    std::optional<kube::WorkloadState> workload;
    std::vector<HeldClaim> claims;     // that are there
    std::vector<kube::PodState> pods;  // that mount them
    Sight snapshots_served = Sight::kUnknown;
    Seen<std::vector<kube::SnapshotClass>> snapshot_classes;
    std::vector<KeptSnapshot> snapshots;          // of these claims, newest first
    std::vector<kube::SnapshotSet> sets;          // of this workload or these claims, newest first
    std::vector<std::string> damaged_sets;        // what is wrong with records of this namespace that cannot be read
    Seen<std::vector<std::string>> backup_tools;  // known tools for copies outside the cluster that are installed
};

// What is asked for: a workload, or bare claims.
struct Subject {
    std::string object, target, space;
    std::optional<kube::WorkloadState> workload;
    std::vector<std::string> claims;
};
PracticeFacts gather_practice(Gatherer& gatherer, const Subject& subject);

Findings judge_practice(const PracticeFacts& facts, SystemTime now);
// The parts of it, one file each.
Findings judge_settings(const PracticeFacts& facts);                // policies, replicas, secrets, owners
Findings judge_copies(const PracticeFacts& facts, SystemTime now);  // can it be snapped, was it, was a restore tried

// Of the cluster as a whole: snapshot API, default classes, classes that nobody serves.
struct ClusterFacts {
    Sight snapshots_served = Sight::kUnknown;
    bool old_snapshots_only = false;  // v1beta1 and no v1
    Seen<std::vector<kube::SnapshotClass>> snapshot_classes;
    Seen<std::vector<kube::StorageClass>> storage_classes;
    std::vector<std::string> absent_drivers;  // provisioners and drivers of classes that are not installed
};
ClusterFacts gather_cluster(Gatherer& gatherer);
Findings judge_cluster(const ClusterFacts& facts);

}  // namespace holdfast::diagnose
