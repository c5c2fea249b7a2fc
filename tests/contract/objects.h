// What the cases are made of: small manifests that both worlds take, and questions about objects. The storage classes,
// snapshot classes and the image are those of the test cluster (docs/cluster.md).
#pragma once

#include "common/kube/objects/workload.h"
#include "tests/contract/case.h"
#include "tests/contract/stage.h"

namespace holdfast::contract {

using kube::DryRun;
using kube::kClaims;
using kube::kConfigMaps;
using kube::kLeases;
using kube::kPods;
using kube::kSnapshotContents;
using kube::kSnapshots;
using kube::kStatefulSets;
using kube::kVolumes;
using kube::name_of;
using kube::PatchType;
using kube::Propagation;
using kube::text_at;
using kube::uid_of;
using kube::version_of;

Json config_map(const Stage& s, const std::string& name, const Json& data = {{"key", "value"}});
Json lease(const Stage& s, const std::string& name, const std::string& holder);

// A claim of a class ("" : one of the case's own, for which nobody provisions), 64Mi, ReadWriteOnce.
Json claim(const Stage& s, const std::string& name, const std::string& storage_class = "",
           const std::string& size = "64Mi");
// A volume that somebody made by hand, of the case's own class; its driver exists, its handle does not. Retain. The
// name is the case's own (Stage::own).
Json volume(const Stage& s, const std::string& name, const std::string& size = "64Mi");
// claimRef without a uid: reserved for the claim.
Json reserved_for(const Stage& s, Json volume, const std::string& claim);

Json bound_claim(Stage& s, const std::string& name);  // waits for it
std::string volume_of(const Json& claim);

// A pod that sleeps, and mounts the claims named; it ends within a second.
Json pod(const Stage& s, const std::string& name, const std::vector<std::string>& claims = {});
// A StatefulSet of such pods. With claims: one template "data" of class fast.
Json stateful_set(const Stage& s, const std::string& name, int replicas, bool claims = true);
// No node has what it asks for.
Json& nowhere(Json& pod_spec);
// Ready only once somebody says so by the condition "hf.test/ok" (set_gate).
Json& gated(Json& pod_spec);
void set_gate(Stage& s, const std::string& pod, bool open);

Json snapshot(const Stage& s, const std::string& name, const std::string& claim,
              const std::string& snapshot_class = "fast");
// The claim, to be filled from the snapshot.
Json restored(Json claim, const std::string& snapshot);
Json quota(const Stage& s, const Json& hard);
Json owned_by(Json object, const Json& owner, bool block = true);

std::string owner_of(const Json& object);  // the uid of the first, "" without one
// Until a StatefulSet has so many pods, all ready, as its controller says of its last change.
void is_up(Stage& s, const std::string& set, int replicas);
void scale(Stage& s, const std::string& set, int replicas);

bool bound(const Json& object);  // a claim or a volume: status.phase
bool ready(const Json& object);  // a pod (condition) or a snapshot (readyToUse)
Predicate phase_is(const std::string& phase);
bool holds(const Json& object, const std::string& finalizer);
bool has(const Json& object, const std::string& pointer);
std::vector<std::string> names_of(const std::vector<Json>& objects);

}  // namespace holdfast::contract
