// The chain of a snapshot: claim -> VolumeSnapshot -> content -> the storage's handle, and what was restored from it.
// What describe shows, and delete and protect decide on.
#pragma once

#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/reader.h"
#include "common/kube/sets.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::snap {

struct Link {
    std::string snapshot_name;
    std::optional<kube::Snapshot> snapshot;                  // nullopt: gone, or replaced by another of its name
    std::optional<kube::SnapshotContent> content;            // nullopt: none bound, gone, or not to be read
    std::string content_version;                             // resourceVersion
    std::map<std::string, std::string> content_annotations;  // Holdfast's own
    std::map<std::string, std::string> annotations;          // Holdfast's own, of the snapshot
    std::vector<std::string> restored;                       // claims of the namespace that have it as data source
    std::vector<std::string> pending;                        // of these, those that are Pending: they still need it
};

// What a name of the command line stands for, with everything that hangs on it.
struct Subject {
    kube::SnapshotName name;
    std::optional<kube::SnapshotSet> set;  // if it is one
    std::vector<Link> links;               // a set's in the members' order; one for a single snapshot
    std::string text() const { return (name.is_set ? "set/" : "vs/") + name.name; }
};

struct ChainOptions {
    bool contents = true;  // read contents; a refusal (RBAC) is an error if `must`, else left out
    bool must = true;
};

// kNotFound with the nearest names; the server's errors. Reads the namespace's claims once for all subjects.
Result<std::vector<Subject>> read_subjects(kube::ClusterReader& reader, const std::string& space,
                                           const std::vector<std::string>& words, const ChainOptions& options);

// Names of a link's own snapshot, "vs/SPACE/NAME".
std::string link_text(const std::string& space, const Link& link);

}  // namespace holdfast::snap
