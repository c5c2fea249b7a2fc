#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/plan/journal.h"
#include "plugins/snap/delete_plan.h"

#include <map>
#include <set>

namespace holdfast::snap {
namespace {

struct Single {
    std::string claim;
    bool ready = false;
    bool checked = false;
};

Standing standing_of(const kube::SnapshotSet& set, const std::map<std::string, Single>& snapshots) {
    Standing standing;
    standing.name = set.name;
    standing.workload = set.workload_kind.empty() ? set.target : set.workload_kind + "/" + set.workload_name;
    standing.ready = set.complete;
    standing.checked = set.verified_level == "checked";
    for (const kube::SetMember& member : set.members) {
        const auto found = snapshots.find(member.snapshot);
        standing.ready = standing.ready && found != snapshots.end() && found->second.ready;
        standing.claims.push_back(member.claim);
        standing.snapshots.push_back(member.snapshot);
    }
    return standing;
}

Result<std::map<std::string, Single>> read_snapshots(kube::ClusterReader& reader, const std::string& space) {
    std::map<std::string, Single> snapshots;
    const auto each = [&](Json&& object) {
        const kube::Snapshot snapshot = kube::snapshot_of(object);
        snapshots[snapshot.name] = {snapshot.claim, snapshot.ready && !snapshot.deleting,
                                    snapshot.verified_level == "checked"};
        return true;
    };
    TRY(reader.for_each(kube::kSnapshots, space, {}, each, [&] { snapshots.clear(); }));
    return snapshots;
}

}  // namespace

Result<DeleteFacts> gather_delete(kube::ClusterReader& reader, const std::string& space, const DeleteOptions& options,
                                  bool resuming) {
    DeleteFacts facts;
    facts.space = space;
    ChainOptions chain;
    for (const std::string& name : options.names) {
        auto subjects = read_subjects(reader, space, {name}, chain);
        // On a resume a name that is gone is one that is done.
        if (!subjects.ok() && resuming && subjects.error().kind == ErrorKind::kNotFound) continue;
        if (!subjects.ok()) return subjects.error();
        for (Subject& subject : *subjects) facts.subjects.push_back(std::move(subject));
    }
    TRY_ASSIGN(const auto snapshots, read_snapshots(reader, space));
    std::vector<std::string> damaged;
    TRY_ASSIGN(const std::vector<kube::SnapshotSet> sets, kube::list_sets(reader, space, damaged));
    std::set<std::string> members;
    for (const kube::SnapshotSet& set : sets) {
        facts.standings.push_back(standing_of(set, snapshots));
        for (const kube::SetMember& member : set.members) members.insert(member.snapshot);
    }
    for (const Subject& subject : facts.subjects) {
        if (!subject.set || !subject.set->uid.empty()) continue;
        // Its ConfigMap is lost, so the list above lacks it.
        facts.standings.push_back(standing_of(*subject.set, snapshots));
        for (const kube::SetMember& member : subject.set->members) members.insert(member.snapshot);
    }
    for (const auto& [name, single] : snapshots) {
        if (members.contains(name)) continue;
        facts.standings.push_back(
            {name, false, "pvc/" + single.claim, {single.claim}, {}, single.ready, single.checked});
    }
    TRY_ASSIGN(const auto journals, plan::list_journals(reader, space, damaged));
    for (const plan::Journal& journal : journals) facts.open_journals.push_back(journal.operation);
    return facts;
}

}  // namespace holdfast::snap
