#include "common/plan/heed.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive_parts.h"
#include "common/plan/holding.h"
#include "common/plan/lock.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

Status none_locks(const std::vector<Journal>& open, const std::vector<Lock>& wanted) {
    for (const Journal& one : open) {
        for (const Lock& lock : one.locks) {
            const bool shared = std::any_of(wanted.begin(), wanted.end(),
                                            [&](const Lock& mine) { return mine.workload == lock.workload; });
            if (!shared) continue;
            return Error{ErrorKind::kLocked,
                         lock.workload.text() + " is being changed by operation " + one.operation +
                             ", which is unfinished, and whose lock somebody deleted; nothing was changed",
                         lines_for(one.plugin, one.operation, one.space), 0, ""};
        }
    }
    return {};
}

Status not_held_down(const std::vector<kube::ObjectRef>& refs, const std::vector<Result<Json>>& objects) {
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!objects[i].ok() && objects[i].error().kind == ErrorKind::kNotFound) continue;
        if (!objects[i].ok()) return objects[i].error().with_context(refs[i].text());
        const std::string was = kube::annotation_of(*objects[i], labels::kReplicas);
        if (was.empty()) continue;
        const std::string space = " -n " + refs[i].space;
        return Error{ErrorKind::kLocked,
                     refs[i].text() + " is held at " + std::to_string(kube::replicas_of(*objects[i])) +
                         " replicas by an operation that is not at its end (it had " + escape_line(was) +
                         "), and whose journal is not there; nothing was changed",
                     "`kubectl restore status" + space + "` and `kubectl pvc-expand status" + space +
                         "` find it by what it has marked; if neither does, scale it up and take the annotation off: "
                         "kubectl annotate " +
                         refs[i].resource.qualified() + "/" + refs[i].name + space + " " + labels::kReplicas + "-",
                     0, ""};
    }
    return {};
}

}  // namespace

Status heed_locks(World& world, Operation& operation, const Journal& journal) {
    TRY_ASSIGN(const std::vector<kube::ObjectRef> targets, operation.heed_targets(world.cluster));
    if (targets.empty()) return {};
    const std::string locks = std::string(labels::kRole) + "=lock";
    TRY_ASSIGN(const kube::List leases, world.cluster.list(kube::kLeases, operation.space(), {locks, ""}));
    if (leases.items.empty()) return {};
    Journal heeding = journal;
    TRY_ASSIGN(heeding.locks, resolve_locks(world.cluster, targets));
    return check_free(world, heeding);
}

Status heed_unfinished(World& world, Operation& operation, const Journal& journal) {
    TRY_ASSIGN(const std::vector<kube::ObjectRef> targets, operation.heed_targets(world.cluster));
    std::vector<Lock> wanted = journal.locks;
    if (wanted.empty() && targets.empty()) return {};
    std::vector<std::string> unreadable;
    TRY_ASSIGN(std::vector<Journal> journals, list_journals(world.cluster, operation.space(), unreadable));
    std::erase_if(journals,
                  [&](const Journal& one) { return one.state == "done" || one.operation == journal.operation; });
    // Whose workloads the claims are takes rights that are needed only where somebody is at work.
    if (!targets.empty() && !journals.empty()) {
        TRY_ASSIGN(const std::vector<Lock> heeded, resolve_locks(world.cluster, targets));
        wanted.insert(wanted.end(), heeded.begin(), heeded.end());
    }
    TRY(none_locks(journals, wanted));
    std::vector<kube::ObjectRef> workloads;
    const auto add = [&](const kube::ObjectRef& ref) {
        const bool holdable = ref.resource == kube::kStatefulSets || ref.resource == kube::kDeployments;
        if (holdable && std::find(workloads.begin(), workloads.end(), ref) == workloads.end()) workloads.push_back(ref);
    };
    for (const Lock& lock : wanted) add(lock.workload);
    for (const kube::ObjectRef& target : targets) add(target);
    return not_held_down(workloads, world.cluster.get_all(workloads));
}

}  // namespace holdfast::plan
