// Why is this claim Pending, this snapshot not ready, this pod not starting: facts -> causes with remedies. Gathering
// takes a reader; judging is pure.
#pragma once

#include "common/kube/reader.h"

#include <string>
#include <vector>

namespace holdfast::diagnose {

enum class Severity { kInfo, kWarning, kError };

struct Finding {
    Severity severity = Severity::kError;
    std::string code;     // stable, for scripts: "snapshot-class-missing", "claim-quota", ...
    std::string object;   // "pvc/db/data-0"
    std::string layer;    // discovery | class | claim | volume | snapshot | content | driver | pod | policy
    std::string message;  // what is the case
    std::string remedy;   // the next command or change
};

// Each reads what it needs (events included) and never fails for a missing permission: it says what it could not see.
std::vector<Finding> explain_claim(kube::ClusterReader& reader, const std::string& space, const std::string& name);
std::vector<Finding> explain_snapshot(kube::ClusterReader& reader, const std::string& space, const std::string& name);
std::vector<Finding> explain_pod(kube::ClusterReader& reader, const std::string& space, const std::string& name);

// doctor TARGET: everything about one workload's or claim's storage. Without a target: the namespace and the cluster.
Result<std::vector<Finding>> examine(kube::ClusterReader& reader, const std::string& space, const std::string& target);

// One line for a progress detail or an error: the most severe finding, "" if there is none.
std::string headline(const std::vector<Finding>& findings);

}  // namespace holdfast::diagnose
