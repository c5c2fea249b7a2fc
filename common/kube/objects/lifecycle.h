// Single facts of claims, volumes, pods and workloads that count when they are stopped, released and made anew. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/quantity.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

std::string phase_of(const Json& object);            // status.phase
std::string volume_of_claim(const Json& claim);      // spec.volumeName, "" : none
std::string request_text_of(const Json& claim);      // spec.resources.requests.storage as written
std::string class_of_claim(const Json& claim);       // spec.storageClassName, "" : none
std::string attributes_class_of(const Json& claim);  // spec.volumeAttributesClassName, of a volume too
std::string reclaim_policy_of(const Json& volume);

struct OwnerReference {
    std::string kind, name, uid;
    bool controller = false;
};
std::vector<OwnerReference> owners_of(const Json& object);

// Claims that a pod mounts, by name, also those that its generic ephemeral volumes have had made: they are called
// POD-VOLUME (kubernetes, ephemeral.VolumeClaimName).
std::vector<std::string> claims_of_pod(const Json& pod);
// The ReplicaSet that a Deployment makes for a template (deployment/sync.go, getNewReplicaSet). `hash` is the label
// pod-template-hash of its pods; "" without one, since such a pod is no Deployment's. A mere beginning says nothing:
// "web-" begins those of Deployment "web-admin" too.
std::string replica_set_name(const std::string& deployment, const std::string& hash);
std::string node_of(const Json& pod);
bool ended(const Json& pod);      // Succeeded or Failed
bool job_ended(const Json& job);  // Complete or Failed
// Evicted from a node that does not answer, and still there: it may run on.
bool lost_with_its_node(const Json& pod);

long long grace_seconds_of(const Json& workload);  // of its pod template; 30 if unset
// whenDeleted or whenScaled of a StatefulSet is something else than Retain.
bool deletes_claims(const Json& stateful_set);
// Not all pods are of the template as it is now: whichever starts next is.
bool rolling_out(const Json& workload);
// 0 replicas asked for, seen by the controller and reached. Pods may still be there for another reason.
bool at_zero(const Json& workload);
// Counts the changes of its spec (Kubernetes API conventions, metadata.generation).
long long generation_of(const Json& object);
bool scales(const Json& autoscaler, const std::string& kind, const std::string& name);
bool suspended(const Json& flux_object);  // spec.suspend

// The claim template of a StatefulSet that a claim's name is made of; nullptr: none. ordinal: the one in its name.
struct TemplateOfClaim {
    const Json* claim_template = nullptr;
    int ordinal = -1;
};
TemplateOfClaim template_of_claim(const Json& stateful_set, const std::string& claim);

// A claim as it is made anew for its owner (safety R10): its labels, annotations and wishes; nothing that the binder or
// Holdfast wrote, no owner, finalizer, data source or status; bound by name to a volume.
struct Renewal {
    std::string volume, request;
    std::string source;  // annotation holdfast.dev/restored-from; "" : none
};
Json renewed_claim(const Json& old, const Renewal& renewal);
// Name, labels, annotations and spec of a claim: all that renewed_claim takes of it.
Json claim_essence(const Json& claim);

// Why a claim made from `wanted` (a claim or a claim template, called `what`) would not bind to a volume reserved for
// it, but have an empty one made (safety R9); "" if it binds. `offered`: a claim or volume whose modes and attributes
// class the volume has.
std::string binding_obstacle(const std::string& what, const Json& wanted, const Json& offered, const Quantity& size);

// The manifest with the labels and annotations that the object has now: they are their owner's.
Json labelled_like(Json manifest, const Json& object);

}  // namespace holdfast::kube
