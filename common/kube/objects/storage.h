// Storage classes and volumes as the diagnosis needs them. Values; unset strings are "". Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::kube {

struct StorageClass {
    std::string name, provisioner;
    std::string reclaim_policy;  // "Delete" if unset, as the API server defaults it
    std::string binding_mode;    // "Immediate" if unset
    bool is_default = false;     // either of the two annotations
    std::string created;
    Json topology;                    // allowedTopologies as node selector terms; null: none
    std::vector<std::string> places;  // the same, a text a term: "topology.kubernetes.io/zone in (a, b)"

    bool waits_for_pod() const { return binding_mode == "WaitForFirstConsumer"; }
};
StorageClass storage_class_of(const Json& object);

// The CSI driver that serves an in-tree provisioner's name today ("kubernetes.io/aws-ebs" -> "ebs.csi.aws.com"); "" if
// the name is not in-tree or nothing serves it any more. Source: k8s.io/csi-translation-lib/plugins.
std::string csi_driver_of_in_tree(const std::string& provisioner);
bool is_in_tree(const std::string& provisioner);          // "kubernetes.io/...", except no-provisioner
bool provisions_nothing(const std::string& provisioner);  // kubernetes.io/no-provisioner

// A PersistentVolume.
struct Volume {
    std::string name, phase;  // "Available", "Bound", "Released", "Failed"
    std::string driver;       // CSI driver's name; "" if it is not CSI
    std::string handle;       // what the driver calls the disk; several volumes may have the same
    std::string kind;         // "csi", "hostPath", "local", "nfs", ...
    std::string storage_class, reclaim_policy, volume_mode;
    std::vector<std::string> access_modes;
    long long capacity_bytes = -1;                   // -1: not a quantity
    std::string claim_space, claim_name, claim_uid;  // spec.claimRef
    std::string uid, version;                        // metadata.uid and resourceVersion: preconditions of a write
    bool deleting = false;
    // The binder chose it for its claim, so it was there before and was not made for that claim: annotation
    // pv.kubernetes.io/bound-by-controller, which a provisioner's volume, made with its claimRef, never gets
    // (GetBindVolumeToClaim in component-helpers storage/volume/pv_helpers.go).
    bool chosen = false;
    Json topology;                    // spec.nodeAffinity.required.nodeSelectorTerms; null if every node will do
    std::vector<std::string> places;  // required node affinity, a text a term: "topology.kubernetes.io/zone in (a, b)"
};
Volume volume_of(const Json& object);

struct Attachment {
    std::string volume, node, attacher;
    bool attached = false, deleting = false;
    std::string attach_error, detach_error;  // the driver's words, escaped
};
Attachment attachment_of(const Json& object);

// Names of the CSI drivers that a node's kubelet knows (CSINode).
std::vector<std::string> drivers_of_node(const Json& csi_node);

}  // namespace holdfast::kube
