// What is restored from: a snapshot set or a single snapshot, of ours or foreign, with everything that the cluster
// knows of it. Gathering reads, the rest is pure.
#pragma once

#include "common/kube/objects/placement.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/objects/storage.h"
#include "common/kube/reader.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::copies {

// One snapshot and the volume it was cut of.
struct Member {
    kube::SetMember facts;                   // as recorded; of a foreign snapshot what its claim and content still tell
    std::optional<kube::Snapshot> snapshot;  // nullopt: it is gone
    std::optional<kube::SnapshotContent> content;            // nullopt: not bound yet, or gone
    std::map<std::string, std::string> content_annotations;  // those that an import must repeat
    bool mode_change_allowed = false;                        // the content's annotation allow-volume-mode-change
    std::string driver;                                      // the content's, else the recorded one
    std::string called;                                      // what text() says instead; "" : the snapshot
    std::optional<kube::Volume> old_volume;                  // what it was cut of, if that is still there

    std::string text() const;  // "vs/bookstore/before-migration-0"
    // What a claim must at least ask for: the snapshot's restoreSize, else what was recorded; 0 if nobody knows.
    long long least_bytes() const;
    std::string volume_mode() const;  // "Filesystem" or "Block"
};

struct Source {
    std::string space;  // of the snapshots
    std::string name;   // as typed, without the type
    bool is_set = false;
    std::optional<kube::SnapshotSet> record;  // the set; of a single snapshot of ours what its annotation records
    std::vector<Member> members;
    // Classes of the cluster, newest default first.
    std::vector<kube::StorageClass> classes;
    // That no claim is bound to: a new claim might get one of them (check_rivals in claims.h).
    std::vector<kube::Volume> free_volumes;

    std::string text() const;           // "set/before-migration", "vs/nightly-7"
    kube::Placement placement() const;  // the recorded workload's; empty if none was recorded
};

// Reads the set or snapshot, its contents, the old volumes and the storage classes. `word`: NAME, set/NAME or vs/NAME.
// kNotFound, kUsage; missing members are no error here.
Result<Source> gather_source(kube::ClusterReader& reader, const std::string& space, const std::string& word);

// The same of snapshots that belong to no set: what is recorded of each, in this order. One that is gone, or is not the
// operation's own but another one of its name, is no error and counts as gone.
Result<std::vector<Member>> gather_members(kube::ClusterReader& reader, const std::string& space,
                                           const std::string& operation, const std::vector<kube::SetMember>& recorded);
// Volumes that are Available: whoever makes a claim that fits may get one of them.
Result<std::vector<kube::Volume>> gather_free_volumes(kube::ClusterReader& reader);
// Classes of the cluster, newest default first.
Result<std::vector<kube::StorageClass>> gather_classes(kube::ClusterReader& reader);

// kRefused unless every member of a set was cut and is still there: names the missing ordinals or claims.
Status check_complete(const Source& source);

// The members that are meant by --ordinal and --claim; all if neither is given. kRefused lists what there is.
struct Selection {
    std::optional<int> ordinal;
    std::string claim;
};
Result<std::vector<const Member*>> select_members(const Source& source, const Selection& selection);
// Exactly one, else kRefused with the choices.
Result<const Member*> select_one(const Source& source, const Selection& selection);

}  // namespace holdfast::copies
