// A snapshot of the source under its handle in another namespace, or in another cluster on the same storage.
#pragma once

#include "common/kube/reader.h"
#include "plugins/clone/choice.h"

#include <string>
#include <vector>

namespace holdfast::clone {

// Error::reason: the handle names another snapshot there.
inline constexpr char kForeignSnapshot[] = "ForeignSnapshot";

// kUsage: the other cluster is this one under another address, where the record of a clone's journal and the journal
// would be one object. Told by the uid of the clone's namespace, which is then the same in both.
Status check_another(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options);

// What the imports of another cluster have come to.
struct Imported {
    std::string name;
    bool ready = false;  // bound both ways and ready to be restored
    // As its storage tells it; "" and 0: its driver tells nothing of snapshots that it was not asked to make.
    std::string cut_at;
    long long size = 0;
};
Result<std::vector<Imported>> gather_imports(kube::ClusterReader& there, const CloneOptions& options,
                                             const Choice& choice, const std::string& operation);
bool all_imported(const std::vector<Imported>& imports);

// kMismatch, reason kForeignSnapshot: the storage there has, under the same handle, a snapshot of another moment or
// size: it is not the same storage, and what would be copied is somebody else's data. Pure.
Status check_imported(const CloneOptions& options, const Choice& choice, const std::vector<Imported>& imports);

// Fills in the snapshot classes of the clone's cluster, of which a content names the one with the secrets that the
// driver lists snapshots by. `cuts`: copies of what is made there will be cut there. kRefused: it has no snapshot API,
// or then no class for the driver, or several.
Status gather_classes_there(kube::ClusterReader& there, const CloneOptions& options, bool cuts, Choice& choice);

}  // namespace holdfast::clone
