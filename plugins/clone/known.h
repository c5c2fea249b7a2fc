// Clones as the cluster knows them: what carries a clone's label and was made under its own name. Reads and pure code.
#pragma once

#include "common/kube/reader.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace holdfast::clone {

struct KnownObject {
    kube::ObjectRef ref;
    Json object;
};

struct KnownClone {
    std::string name, space;
    std::string source;     // "pvc/NS/NAME", of the first object that says it
    std::string from;       // the same; of claims without a workload, each one's: "pvc/NS/NAME,NAME"
    std::string operation;  // that made it
    std::string expires, created;
    std::vector<KnownObject> objects;
    std::vector<std::string> strangers;  // objects with its labels that were made under another name: copies

    long long claimed_bytes() const;
    std::size_t count(const kube::Resource& resource) const;
    // What a deletion has left since somebody needs it, copied ConfigMaps and Secrets alone, is no clone any more.
    bool only_left() const;
    std::string source_space() const;  // "" : unknown
};

// As kubectl names it: "statefulset.apps/staging", "persistentvolumeclaim/copy".
std::string typed_name(const kube::ObjectRef& ref);

// What it says that it is a copy of: "pvc/NS/NAME".
std::string source_told_by(const Json& object);

// What selects the parts of the clone of this name; "" : of every clone.
kube::ListOptions parts_of_clones(const std::string& name);
// Not a copy of such a part under another name, which has its labels.
bool made_under_its_name(const kube::Resource& resource, const Json& object);

// By namespace, name and the operation that made it: two clones that were made at one time can have one name. space ""
// : every namespace; name "" : every clone.
Result<std::vector<KnownClone>> known_clones(kube::ClusterReader& reader, const std::string& space,
                                             const std::string& name);

}  // namespace holdfast::clone
