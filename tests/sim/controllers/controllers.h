// Controllers: each looks at the whole world and does what is next, then says when it wants to look again. Level
// triggered, as the real ones: nothing is remembered between two looks but what is in the store and in the backend.
//
// Each rule names the function that it models and where it stands: in Kubernetes v1.36.3, external-snapshotter v8.6.0,
// external-provisioner v6.3.0 and its library v13.0.0, external-attacher v4.12.0,
// external-resizer v2.2.0. test_citations.py looks whether each stands there.
#pragma once

#include "tests/sim/sim.h"

namespace holdfast::sim {

void run_controller(Sim& sim, Controller who);
// Whether the controller has to look again after this change.
bool cares(const Sim& sim, Controller who, const Change& change);

void run_binder(Sim& sim);
void run_provisioner(Sim& sim);
void run_resizer(Sim& sim);
void run_protection(Sim& sim);
void run_snapshots(Sim& sim);
void run_contents(Sim& sim);
void run_stateful_sets(Sim& sim);
void run_deployments(Sim& sim);
void run_replica_sets(Sim& sim);
void run_pods(Sim& sim);
void run_garbage(Sim& sim);
void run_namespaces(Sim& sim);
void run_quota(Sim& sim);

// Whether a pod that was placed names the claim. One that has ended still keeps the claim from going, until the pod
// itself is deleted (pkg/controller/volume/pvcprotection podUsesPVCForDeletion), and keeps no volume attached.
bool claim_is_kept(const Sim& sim, const std::string& space, const std::string& claim, bool by_ended_too);
kube::ObjectRef ref_of(const Json& object);
// Somebody answers for this CSI driver: it is registered.
bool is_served(const Sim& sim, const std::string& driver);

}  // namespace holdfast::sim
