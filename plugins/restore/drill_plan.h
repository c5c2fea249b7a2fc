// The rounds of a drill and of open, as pure functions of what is known. Both make the same throwaway databases; a
// drill asks them something, open keeps one for the user.
//
//   restore   claims (and, where the class waits for a pod, the pods); until they are bound
//   start     reclaim policy Delete on the new volumes (R24), the pods; until they run
//   check     the image is the recorded one (R23); until the database accepts connections; who it is; the query
//   finish    the mark on the set (R22), everything taken down until the volumes are gone
#pragma once

#include "common/copies/throwaway.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/pod_state.h"
#include "common/plan/operation.h"
#include "plugins/restore/shared.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

struct DrillOptions {
    std::string name, space;  // NAME as typed; its namespace is where everything is made
    std::optional<int> ordinal;
    std::string query;  // SQL, "" : none
    std::optional<std::string> expect;
    std::string command;                // --exec, "" : a database is started
    std::string database, user, image;  // "" : as recorded
    bool cleanup = true;
    std::string report_file;
    bool keep_open = false;  // restore open

    const char* role() const { return keep_open ? "open" : "drill"; }
};

// What this operation has made so far, as the cluster shows it.
struct Throwaways {
    std::vector<kube::PodState> pods;
    std::vector<kube::Claim> claims;
    std::vector<kube::Volume> volumes;  // that the claims are bound to, or that were made for them
    // Claims that were bound to a volume that was there before, and that volume: left alone, and no longer in `claims`.
    std::map<std::string, std::string> strangers;
    std::string policy, policy_uid;  // the NetworkPolicy; "" : there is none
    bool deleting() const;           // an earlier run has begun to take them down
    bool empty() const { return pods.empty() && claims.empty() && policy_uid.empty(); }
};

// Everything that the first round decides and the later ones keep to.
struct DrillFacts {
    Source source;
    std::vector<Json> services;     // of the namespace: none may pick a throwaway pod
    bool policies_allowed = false;  // may create and delete NetworkPolicies here
};
struct DrillScene {
    Engine engine;
    std::vector<Instance> instances;
    std::size_t asked = 0;  // index of the instance that is queried, or kept open
};
// kRefused: incomplete set, no image, no class, no such ordinal, a Service that would pick the pods.
Result<DrillScene> set_scene(const DrillOptions& options, const DrillFacts& facts, const std::string& operation);

plan::Plan plan_restore(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
                        const std::string& operation);
plan::Plan plan_start(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
                      const Throwaways& made, const std::string& operation);
// kUnavailable: a container was started from another image than was recorded.
Result<plan::Plan> plan_check(const DrillOptions& options, const DrillScene& scene, const Throwaways& made);
// Steps that take everything down, pods first; ends when the volumes are gone.
std::vector<plan::Step> plan_teardown(const DrillOptions& options, const Throwaways& made);

}  // namespace holdfast::restore
