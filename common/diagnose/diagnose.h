// Why is this claim Pending, this snapshot not ready, this pod not starting: facts -> causes with remedies. Gathering
// takes a reader; judging is pure.
#pragma once

#include "common/core/duration.h"
#include "common/kube/reader.h"

#include <string>
#include <vector>

namespace holdfast::diagnose {

enum class Severity { kInfo, kWarning, kError };

struct Finding {
    Severity severity = Severity::kError;
    std::string code;     // stable, for scripts: "snapshot-class-missing", "refused-by-quota", ...
    std::string object;   // "pvc/db/data-0"
    std::string layer;    // discovery | class | claim | volume | snapshot | content | driver | pod | policy
    std::string message;  // what is the case
    std::string remedy;   // the next command or change
};

// Each reads what it needs (events included) and never fails for a missing permission: it says what it could not see.
std::vector<Finding> explain_claim(kube::ClusterReader& reader, const std::string& space, const std::string& name);
std::vector<Finding> explain_snapshot(kube::ClusterReader& reader, const std::string& space, const std::string& name);
std::vector<Finding> explain_pod(kube::ClusterReader& reader, const std::string& space, const std::string& name);
// A StatefulSet or Deployment: the first of its pods that are not ready, else what its controller was refused.
std::vector<Finding> explain_workload(kube::ClusterReader& reader, const kube::ObjectRef& ref);

// doctor TARGET: everything about one workload's, claim's, pod's or snapshot's storage. TARGET is TYPE/NAME, "" for the
// namespace and the cluster. `now` is what ages are counted to. Errors: kUsage (no such type), kNotFound, kForbidden
// (the target itself may not be read), and whatever keeps the reader from reaching the server.
struct Examination {
    std::vector<Finding> findings;  // most severe first
    std::string looked_at;  // "sts/bookstore/postgres, 1 claim, 1 pod, 2 sets": for the line that says all is well
};
Result<Examination> examine(kube::ClusterReader& reader, const std::string& space, const std::string& target,
                            SystemTime now);

// One line for a progress detail or an error: the most severe finding, "" if there is none.
std::string headline(const std::vector<Finding>& findings);

// headline() of the one explain_ function that fits the object; "" for kinds that none fits, or where all is well. A
// few reads: for a wait that stands still, every few seconds at most.
struct Why {
    std::string text;
    bool no_source = false;  // a claim's, which is gone or goes: what is made under its name later is other data
    bool no_space = false;   // the namespace is gone, or goes with all that is in it
};
Why why(kube::ClusterReader& reader, const kube::ObjectRef& ref);

}  // namespace holdfast::diagnose
