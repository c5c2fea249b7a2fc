// A claim as the diagnosis needs it: what it asks for, where its data should come from, and what has become of it.
// Pure.
#pragma once

#include "common/core/json.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

// dataSource or dataSourceRef of a claim.
struct DataSource {
    std::string group, kind, name;  // group as written: "snapshot.storage.k8s.io", wrongly also ".../v1beta1" or ""
    std::string space;              // dataSourceRef.namespace; "" for the claim's own

    bool is_snapshot() const { return kind == "VolumeSnapshot"; }
    bool is_claim() const { return kind == "PersistentVolumeClaim"; }
    // What the API server keeps: without the right group it drops the field and an empty volume binds.
    bool well_formed() const;
    std::string text() const;  // "VolumeSnapshot/before-migration"
};

// The controller owner of an object, from its ownerReferences.
struct Owner {
    std::string group, kind, name;
    bool empty() const { return kind.empty(); }
    std::string text() const { return kind + "/" + name; }
};
Owner controller_of(const Json& object);

struct ClaimState {
    std::string space, name, uid;
    std::string phase;  // "Pending", "Bound", "Lost"
    bool deleting = false;
    std::vector<std::string> finalizers;
    std::optional<std::string> storage_class;  // nullopt: not set; "" : only volumes without a class
    std::string volume;                        // spec.volumeName
    std::string volume_mode;
    std::vector<std::string> access_modes;
    long long requested_bytes = -1, capacity_bytes = -1;  // -1: none or not a quantity
    bool has_selector = false;
    std::optional<DataSource> source;          // spec.dataSourceRef, else spec.dataSource
    std::optional<DataSource> applied_source;  // the one in kubectl's last-applied copy: what the user asked for
    std::string selected_node;                 // the scheduler's choice for a WaitForFirstConsumer class
    std::string provisioner;                   // whom the volume controller has asked
    std::string restored_from;                 // our own annotation holdfast.dev/source
    Owner controller;

    bool pending() const { return phase == "Pending" || phase.empty(); }
    bool read_write_once() const;  // no mode lets a second node write
};
ClaimState claim_state_of(const Json& claim);

}  // namespace holdfast::kube
