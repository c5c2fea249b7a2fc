// What a StatefulSet's or Deployment's manifest says that bears on its data. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/claim_state.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

struct ClaimTemplate {
    std::string name;
    std::optional<std::string> storage_class;  // nullopt: the default one
    std::optional<DataSource> source;
};

struct WorkloadState {
    std::string kind, space, name, uid;
    int replicas = 1, ready = 0;
    int start_ordinal = 0;
    std::vector<ClaimTemplate> templates;                         // volumeClaimTemplates
    std::vector<std::string> pod_claims;                          // claims that its pod template names
    std::string when_deleted = "Retain", when_scaled = "Retain";  // persistentVolumeClaimRetentionPolicy
    std::string strategy;  // of a Deployment: "RollingUpdate" (default) or "Recreate"
    std::vector<std::string>
        literal_secrets;  // "container/POSTGRES_PASSWORD": names of env values that look like secrets
    std::vector<std::string> images;
    bool spreads = false;     // pod anti-affinity or topology spread constraints
    Owner controller;         // an operator's object; empty if it is nobody's
    std::string deployed_by;  // "Argo CD application x", "Flux kustomization x", "Helm release x"; "" : unknown

    bool is_stateful_set() const { return kind == "StatefulSet"; }
};
// REQUIRES: kind is StatefulSet or Deployment.
WorkloadState workload_state_of(const Json& workload);

// Claims of the templates for every ordinal, in order: "data-postgres-0"; of at most 1000 ordinals.
std::vector<std::string> template_claims_of(const WorkloadState& workload);

// The software behind a controller owner ("CloudNativePG"), "" if we do not know it.
std::string operator_of(const Owner& owner);

}  // namespace holdfast::kube
