// What `snap create` knows of the cluster before it decides. Gathered with a reader, which cannot write; kept as the
// objects came, so that a test can hand in a file.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/reader.h"
#include "plugins/snap/create_options.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::snap {

struct CreateFacts {
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

// Errors: kNotFound (a target, with the nearest names), kForbidden and the server's.
Result<CreateFacts> gather_create(kube::ClusterReader& reader, const std::string& space, const CreateOptions& options,
                                  SystemTime start);

// The facts that a golden test keeps in a file; keys are those of this struct, in camel case.
CreateFacts create_facts_from_json(const Json& json);

}  // namespace holdfast::snap
