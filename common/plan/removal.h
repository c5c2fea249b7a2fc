// Taking away what an operation has made: by abort, what its journal names; by gc, throwaways that nobody wants.
#pragma once

#include "common/plan/step.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::plan {

struct Found {
    kube::ObjectRef ref;
    Json object;
};

// Pods that mount a claim of a namespace, but for those named: claim name -> pod name. One list.
Result<std::map<std::string, std::string>> mounted_claims(kube::ClusterReader& reader, const std::string& space,
                                                          const std::set<std::string>& except);

// Adds the steps that delete what was found, by uid: pods first, since a claim stays while a pod mounts it. Volumes of
// throwaway claims that would stay behind go with them; the last step waits until all of theirs are gone. What is
// left, and why, is added to the notes. Reads volumes.
Status add_removals(kube::ClusterReader& reader, Plan& plan, std::vector<Found> found);

}  // namespace holdfast::plan
