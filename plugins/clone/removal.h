// Taking down what a clone is made of, or was going to be: pods first, data last, nothing that somebody else uses.
#pragma once

#include "common/kube/objects/storage.h"
#include "common/kube/reader.h"
#include "common/plan/step.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace holdfast::clone {

struct Belonging {
    kube::ObjectRef ref;
    Json object;
};

struct Removal {
    std::vector<Belonging> belongings;
    std::vector<kube::Volume> volumes;          // that the claims among them are bound to, and that were made for them
    std::map<std::string, std::string> taken;   // claim -> the volume that it was bound to and that was there before
    std::map<std::string, std::string> users;   // claim -> a pod that mounts it and is none of the belongings' own
    std::map<std::string, Json> contents;       // of snapshots among them, by snapshot
    std::map<std::string, std::string> needed;  // ConfigMap or Secret -> what names it, and stays
    std::map<std::string, std::string> unseen;  // ConfigMap or Secret -> what may need it and may not be listed
};

// Reads these objects and keeps those that are `ours`, with what hangs on them. What is not there is left out.
Result<Removal> gather_removal(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& refs,
                               const std::function<bool(const Json&)>& ours);

// Workloads, pods, claims, snapshots, contents, in this order; volumes under Retain first become Delete, and are waited
// for. Claims in `users`, and what is `needed` or may be, are left and told of. Pure.
plan::Plan plan_removal(const Removal& removal);

}  // namespace holdfast::clone
