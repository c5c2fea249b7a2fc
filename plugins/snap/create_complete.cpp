// Round 1 of `snap create`: what only exists after the cut is recorded, and the set becomes complete.
#include "plugins/snap/create_plan.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

namespace holdfast::snap {
namespace {

Json patch_of_data(const kube::SnapshotSet& set) { return {{"data", {{"set.json", kube::set_record(set)}}}}; }

// Fills in uid and moment of each member, after a look at both ends of its binding.
Status take_cut(const CutFacts& facts, kube::SnapshotSet& set) {
    const std::string incomplete = ": set/" + set.space + "/" + set.name + " stays incomplete";
    for (std::size_t i = 0; i < set.members.size(); ++i) {
        kube::SetMember& member = set.members[i];
        const std::string name = "vs/" + set.space + "/" + member.snapshot;
        if (!facts.snapshots[i])
            return Error{ErrorKind::kConflict, name + " was deleted since it was cut" + incomplete};
        const kube::Snapshot snapshot = kube::snapshot_of(*facts.snapshots[i]);
        if (!kube::is_cut(snapshot)) return Error{ErrorKind::kUnavailable, name + " is not cut" + incomplete};
        const kube::SnapshotContent& content = facts.contents[i];
        if (!kube::bound_both_ways(snapshot, content))
            return Error{ErrorKind::kConflict,
                         name + " and its content " + snapshot.content + " do not point at each other" + incomplete,
                         "see: kubectl snap describe vs/" + member.snapshot};
        // A claim is named, not pointed at: one that was deleted and made again meanwhile has another volume.
        if (content.volume_handle != facts.volume_handles[i])
            return Error{ErrorKind::kConflict,
                         name + " is not of the volume that pvc/" + set.space + "/" + member.claim +
                             " had: object replaced, that claim was deleted and made again meanwhile" + incomplete,
                         "take this one back with abort, then make a new one"};
        member.snapshot_uid = snapshot.uid;
        member.cut_at = content.cut_at.empty() ? snapshot.cut_at : content.cut_at;
    }
    return {};
}

plan::Step annotate(const kube::SnapshotSet& set, std::size_t i, bool proven) {
    const kube::SetMember& member = set.members[i];
    const Json record = kube::member_record(set, member);
    const Json annotations = {{labels::kRecord, record.dump(-1, ' ', false, Json::error_handler_t::replace)},
                              {labels::kSetSummary, kube::set_summary(set, proven).dump()}};
    plan::Step step;
    step.id = "note-vs-" + std::to_string(i);
    step.title = "annotate vs/" + set.space + "/" + member.snapshot;
    step.reason = "so that a lost ConfigMap can be rebuilt";
    step.action = plan::Patch{{kube::kSnapshots, set.space, member.snapshot},
                              kube::PatchType::kMerge,
                              {{"metadata", {{"annotations", annotations}}}},
                              {member.snapshot_uid, ""},
                              ""};
    return step;
}

plan::Step mark_complete(const kube::SnapshotSet& set, const Json& object, std::vector<std::string> after) {
    plan::Step step;
    step.id = "complete-set";
    step.title = "mark set/" + set.space + "/" + set.name + " complete";
    step.reason = all_snapshots_are(set.members.size()) + " cut and bound";
    step.action = plan::Patch{{kube::kConfigMaps, set.space, kube::set_config_map_name(set.name)},
                              kube::PatchType::kMerge,
                              patch_of_data(set),
                              {kube::uid_of(object), kube::version_of(object)},
                              ""};
    step.after = std::move(after);
    return step;
}

plan::Step wait_ready(const kube::SnapshotSet& set) {
    plan::WaitFor condition{
        kube::kSnapshots, set.space, {}, plan::Condition::kSnapshotReady, std::string(labels::kSet) + "=" + set.name};
    for (const kube::SetMember& member : set.members) condition.names.push_back(member.snapshot);
    plan::Step step;
    step.id = "ready";
    step.title = "wait until " + all_snapshots_are(set.members.size()) + " ready to be restored";
    step.phase = "ready";
    step.action = std::move(condition);
    step.after = {"complete-set"};
    return step;
}

}  // namespace

Result<plan::Plan> plan_complete(const CutFacts& facts, kube::SnapshotSet set, const CreateOptions& options,
                                 const std::string& consistency, const kube::AppFacts& app) {
    TRY(take_cut(facts, set));
    const bool proven = consistency != "none";
    set.complete = true;
    set.consistency = consistency;
    set.skew_ms = kube::skew_of(set.members);
    set.app = app;
    plan::Plan plan;
    std::vector<std::string> noted;
    // What the snapshots said of themselves when they were made is still true, unless there is more to say now.
    if (proven || !app.kind.empty()) {
        for (std::size_t i = 0; i < set.members.size(); ++i) {
            plan.steps.push_back(annotate(set, i, proven));
            noted.push_back(plan.steps.back().id);
        }
    }
    plan.steps.push_back(mark_complete(set, facts.set_object, std::move(noted)));
    if (options.wait_ready) plan.steps.push_back(wait_ready(set));
    return plan;
}

}  // namespace holdfast::snap
