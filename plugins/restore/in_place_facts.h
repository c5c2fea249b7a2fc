// What restore in place reads before it decides anything. Gathered with a reader, which cannot write.
#pragma once

#include "common/copies/source.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/reader.h"
#include "plugins/restore/shared.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

struct InPlaceOptions {
    std::string space;
    kube::ObjectRef target;  // a StatefulSet, Deployment or claim
    std::string from;        // as typed
    std::optional<int> ordinal;
    std::vector<std::string> claims;  // --claim: of the pod template, besides those of volumeClaimTemplates
    std::string image;                // of the pods that look at the new volumes; "" : the workload's own
    bool accept_skew = false;
    bool gitops_paused = false;  // the user's word, where it cannot be seen
    bool again = false;          // also if this very set was restored last

    bool bare() const { return target.resource == kube::kClaims; }
};

struct InPlaceFacts {
    Source source;
    Json workload;                        // null for a bare claim
    Json holder;                          // of a bare claim: the StatefulSet that would make it anew; null: none
    std::map<std::string, Json> claims;   // of the workload's ordinals and of the set, as far as they are there
    std::map<std::string, Json> volumes;  // of these claims, by name
    std::vector<Json> pods;               // of the namespace
    std::vector<Json> autoscalers;
    std::vector<kube::Snapshot> snapshots;  // of the namespace
    std::vector<kube::SnapshotSet> sets;    // of the namespace
    std::vector<Json> kept;                 // volumes that operations have taken out of claims of this namespace
    std::optional<SystemTime> now;          // by the API server's clock; nullopt: not told
    std::optional<bool> deployer_paused;    // Flux or Argo CD: what its object says; nullopt: not seen
};
// R9: what the claim is made from if a StatefulSet's controller comes first; null: nothing.
const Json* template_for(const InPlaceFacts& facts, const std::string& claim);
std::string template_text(const InPlaceFacts& facts, const Json& claim_template);
// The StatefulSet with a template of this claim's; null: none.
Result<Json> holder_of(kube::ClusterReader& reader, const kube::ObjectRef& claim);
Result<InPlaceFacts> gather_in_place(kube::ClusterReader& reader, const InPlaceOptions& options);

// Volumes of a namespace that an operation has taken out and keeps.
// Namespaces in which an operation keeps volumes, for who looks in the wrong one.
Result<std::vector<std::string>> kept_where(kube::ClusterReader& reader, const std::string& operation);
Result<std::vector<Json>> kept_volumes(kube::ClusterReader& reader, const std::string& space);

}  // namespace holdfast::restore
