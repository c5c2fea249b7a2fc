// Typed views over the snapshot API (snapshot.storage.k8s.io/v1): VolumeSnapshot, its content, its class. Values, not
// borrows: small enough to keep fifty thousand. Messages of drivers are escaped here, once. Pure.
// Source: kubernetes-csi/external-snapshotter client/apis/volumesnapshot/v1/types.go.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

struct Snapshot {
    std::string name, space, uid;
    std::string created;         // metadata.creationTimestamp
    std::string claim;           // source claim; "" if pre-provisioned
    std::string source_content;  // pre-provisioned content; "" if taken of a claim
    std::string snapshot_class;  // "" : the default one
    std::string content;         // status.boundVolumeSnapshotContentName
    std::string cut_at;          // status.creationTime, RFC 3339
    bool ready = false;          // status.readyToUse
    bool deleting = false;
    bool answered = false;                  // some controller has written a status: without one nothing looks at it
    std::optional<long long> restore_size;  // bytes; a driver may leave it out or say 0
    std::string error;                      // status.error.message: not terminal, the controllers retry for ever
    std::string verified_level, verified_at, verified_by;  // by its last drill, outside of a set
    std::string set;                                       // label holdfast.dev/set, "" for a foreign one
};
Snapshot snapshot_of(const Json& object);

struct SnapshotContent {
    std::string name, uid;
    std::string driver;
    std::string deletion_policy;  // "Delete" or "Retain"
    std::string snapshot_class;
    std::string volume_handle;       // taken of this volume; "" if pre-provisioned
    std::string source_handle;       // pre-provisioned handle; "" if taken dynamically
    std::string handle;              // what the storage calls the snapshot; "" until it is known
    std::string source_volume_mode;  // "" if unknown
    std::string snapshot_space, snapshot_name, snapshot_uid;  // spec.volumeSnapshotRef
    std::string cut_at;  // RFC 3339 with microseconds: finer than the snapshot's own
    bool ready = false;
    bool deleting = false;
    bool answered = false;       // the driver's sidecar has written a status
    bool being_created = false;  // the driver has been asked and has not answered for good
    std::optional<long long> restore_size;
    std::string error;
};
SnapshotContent content_of(const Json& object);

// Both point at each other, by name, namespace and uid: else the content is of another snapshot of the same name.
bool bound_both_ways(const Snapshot& snapshot, const SnapshotContent& content);
// The moment is fixed: what the volume's owner writes from now on is not in it. It may be long until it is ready.
bool is_cut(const Snapshot& snapshot);

struct SnapshotClass {
    std::string name, driver, deletion_policy;
    bool is_default = false;  // of its driver
};
SnapshotClass snapshot_class_of(const Json& object);

// Where a volume comes from, for the choice of a class: the PersistentVolume says it, not the StorageClass, which may
// be gone.
struct VolumeSource {
    std::string driver;  // CSI driver's name; "" if the volume is not CSI
    std::string handle;
    std::string kind;  // "csi", "hostPath", "local", "nfs", ...
};
VolumeSource volume_source_of(const Json& volume);

}  // namespace holdfast::kube
