// A set: one VolumeSnapshot per claim of a workload, complete or not restorable (safety R19). It is a ConfigMap
// holdfast-set-NAME (labels holdfast.dev/set, role=set) whose key "set.json" is this record. Made first with
// complete=false; what it says of a member is repeated on each VolumeSnapshot (annotation holdfast.dev/record), and by
// `snap protect` on its content, so that a lost ConfigMap can be rebuilt.
#pragma once

#include "common/core/duration.h"
#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

struct SetMember {
    std::string claim;  // "data-postgres-0"
    std::string claim_uid;
    std::string claim_template;  // "data": volumeClaimTemplate's name; "" for other claims
    int ordinal = -1;            // -1: no ordinal
    std::string snapshot;        // VolumeSnapshot's name
    std::string snapshot_uid;    // "" until it is known
    std::string volume;          // PV's name
    std::string driver;
    std::string snapshot_class;
    std::string storage_class;
    std::string volume_mode;  // "Filesystem" or "Block"
    std::vector<std::string> access_modes;
    long long size_bytes = 0;  // max of the claim's request and capacity
    std::string pod;           // that mounted it, "" if none
    std::string node;          // of that pod
    std::string cut_at;        // creationTime, RFC 3339; "" until cut
};

// What the database said of itself when the set was cut; every field may be empty.
struct AppFacts {
    std::string kind;           // "postgres" or ""
    std::string major_version;  // "15"
    std::string system_identifier;
    std::string timeline;
    std::string data_directory;  // in the container, "/data/pgdata"
};

// How the workload runs its database: enough to start the same binary on copies, long after the workload is gone.
struct ContainerFacts {
    std::string name;      // container's name
    std::string image;     // as the template says it
    std::string image_id;  // as the node reported it, with digest; "" if no pod ran
    std::string pull_policy;
    std::vector<std::string> image_pull_secrets;
    Json env;                   // array of name/value; valueFrom kept, literal secrets replaced by hashes (R6)
    Json volume_mounts;         // array
    Json volume_devices;        // array
    Json security_context;      // container's, or null
    Json pod_security_context;  // pod's, or null
};

struct SnapshotSet {
    std::string name, space;
    std::string uid, resource_version;  // of the ConfigMap; "" if rebuilt from snapshots
    bool complete = false;
    std::string consistency = "none";                        // group | quiesced | stopped | none
    long long skew_ms = 0;                                   // first cut to last cut
    std::string created_at;                                  // RFC 3339
    std::string target;                                      // "sts/postgres", as the user would type it
    std::string workload_kind, workload_name, workload_uid;  // "" for bare claims
    int replicas = 0;
    std::string operation;
    std::vector<SetMember> members;
    AppFacts app;
    std::vector<ContainerFacts> containers;
    Json workload_manifest;  // literal secret env values hashed; null for bare claims
    Json user_labels;        // object
    // VERIFIED (safety R22): "" | "started" | "checked" | "failed"; when, by which operation.
    std::string verified_level, verified_at, verified_by, verified_detail;
};

std::string set_config_map_name(const std::string& set_name);         // "holdfast-set-NAME"
Json set_to_config_map(const SnapshotSet& set);                       // whole manifest
std::string set_record(const SnapshotSet& set);                       // the text under its key "set.json", for a patch
Result<SnapshotSet> set_from_config_map(const Json& config_map);      // kInvalid: damaged; message names the object
Json member_record(const SnapshotSet& set, const SetMember& member);  // for the annotation holdfast.dev/record
// For the annotation holdfast.dev/set-summary: how many members there are, and a consistency better than "none" only
// once it has been proven, since who rebuilds a set cannot ask whether the hooks held.
Json set_summary(const SnapshotSet& set, bool proven);
// A set from its snapshots alone: complete if all that the summary counts are there and cut. Snapshots of other sets
// and copies under other names are passed over. kNotFound: none of them carries a record.
Result<SnapshotSet> set_from_snapshots(const std::string& name, const std::vector<Json>& snapshots);
// First cut to last cut; creationTime has whole seconds, unless the driver says more. 0 if fewer than two are cut.
long long skew_of(const std::vector<SetMember>& members);

}  // namespace holdfast::kube
