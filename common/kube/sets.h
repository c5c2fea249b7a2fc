// Finding snapshot sets and single snapshots by the names that users type: NAME, set/NAME, vs/NAME.
#pragma once

#include "common/kube/objects/snapshot_set.h"
#include "common/kube/reader.h"

#include <string>
#include <vector>

namespace holdfast::kube {

// "before-migration" and "set/before-migration" are sets, "vs/NAME" and "volumesnapshot.snapshot.storage.k8s.io/NAME"
// single snapshots. kUsage for another type or no name.
struct SnapshotName {
    bool is_set = true;
    std::string name;
};
Result<SnapshotName> parse_snapshot_name(const std::string& word);

// The object that such a word means: a set's ConfigMap or a VolumeSnapshot; without a name if the word is none.
ObjectRef object_named(const std::string& space, const std::string& word);

// The set as its ConfigMap records it; if that is lost (or damaged) as its snapshots do, and then `uid` is "".
// kNotFound names sets with similar names; kInvalid: the ConfigMap is damaged and no snapshot carries a record.
Result<SnapshotSet> read_set(ClusterReader& reader, const std::string& space, const std::string& name);

// Every set of a namespace ("" : all), without those that only snapshots remember. Damaged ones are named in `damaged`.
Result<std::vector<SnapshotSet>> list_sets(ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& damaged);

// The members' VolumeSnapshots, in the members' order; nullopt for one that is gone or has another uid than recorded.
Result<std::vector<std::optional<Json>>> read_members(ClusterReader& reader, const SnapshotSet& set);

}  // namespace holdfast::kube
