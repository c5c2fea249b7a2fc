// What is known of live workloads whose volumes are to be cut. Gathered with a reader, which cannot write; kept as the
// objects came, so that a test can hand in a file.
#pragma once

#include "common/copies/cut_request.h"
#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/reader.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::copies {

struct LiveFacts {
    std::string space;
    bool space_terminating = false;
    bool has_snapshot_api = true;
    std::vector<Json> workloads;          // in the targets' order
    std::vector<Json> claims;             // of the targets, the selector, --claim; ordinals no longer used too
    std::vector<std::string> selected;    // names of claims that the selector chose
    std::map<std::string, Json> volumes;  // by name
    std::vector<Json> pods;               // that mount one of the claims and have not ended
    std::vector<Json> classes;            // VolumeSnapshotClasses
    std::vector<Json> quotas;             // that the reader may see
    std::map<std::string, std::string> explanations;  // of claims that are not bound: why
    std::optional<Json> set_object;                   // ConfigMap under the set's name
    std::vector<Json> snapshots;                      // under one of the names that would be made
    bool may_exec = false;                            // pods/exec is allowed
};

// `name`: of the set, of which the snapshots' names are made. Errors: kNotFound (a target, with the nearest names),
// kForbidden and the server's.
Result<LiveFacts> gather_live(kube::ClusterReader& reader, const std::string& space, const CutRequest& request,
                              const std::string& name);

// The facts that a golden test keeps in a file; keys are those of this struct, in camel case.
LiveFacts live_facts_from_json(const Json& json);
// What a journal keeps of them (safety R6): workloads, the claims that are wanted, their volumes and pods, without
// managedFields.
Json live_facts_to_json(const LiveFacts& facts, const std::vector<std::string>& claims);

}  // namespace holdfast::copies
