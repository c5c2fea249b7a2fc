#include "common/plan/heed.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive_parts.h"
#include "common/plan/holding.h"
#include "common/plan/lock.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

Status none_locks(const std::vector<Journal>& journals, const std::vector<Lock>& wanted, const std::string& self) {
    for (const Journal& one : journals) {
        if (one.state == "done" || one.operation == self) continue;
        for (const Lock& lock : one.locks) {
            const bool shared = std::any_of(wanted.begin(), wanted.end(),
                                            [&](const Lock& mine) { return mine.workload == lock.workload; });
            if (!shared) continue;
            return Error{ErrorKind::kLocked,
                         lock.workload.text() + " is being changed by operation " + one.operation +
                             ", which is unfinished, and whose lock somebody deleted; nothing was changed",
                         lines_for(one), 0, ""};
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
    if (!targets.empty()) {
        TRY_ASSIGN(const std::vector<Lock> heeded, resolve_locks(world.cluster, targets));
        wanted.insert(wanted.end(), heeded.begin(), heeded.end());
    }
    if (wanted.empty()) return {};
    std::vector<kube::ObjectRef> workloads;
    for (const Lock& lock : wanted) {
        const kube::Resource& resource = lock.workload.resource;
        if (resource == kube::kStatefulSets || resource == kube::kDeployments) workloads.push_back(lock.workload);
    }
    std::vector<std::string> unreadable;
    TRY_ASSIGN(const std::vector<Journal> journals, list_journals(world.cluster, operation.space(), unreadable));
    TRY(none_locks(journals, wanted, journal.operation));
    return not_held_down(workloads, world.cluster.get_all(workloads));
}

}  // namespace holdfast::plan
