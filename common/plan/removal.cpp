#include "common/plan/removal.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

// Pods go first, since a claim stays while a pod mounts it; contents last, since their snapshots hold them.
int removal_order(const kube::Resource& resource) {
    if (resource == kube::kPods) return 0;
    if (resource == kube::kClaims) return 2;
    if (resource == kube::kSnapshots) return 3;
    if (resource == kube::kSnapshotContents) return 4;
    return 1;
}

Step removal(const kube::ObjectRef& ref, const std::string& uid, const std::vector<std::string>& after) {
    Step step;
    step.id = "remove-" + ref.resource.short_name + "-" + ref.name;
    step.title = "delete " + ref.text();
    step.reason = "the operation made it";
    step.after = after;
    step.action = Delete{ref, {uid, ""}, kube::Propagation::kBackground, true};
    return step;
}

// Volumes that were made for throwaway claims.
struct Volumes {
    std::vector<kube::Volume> kept;  // they would stay behind when their claim goes (safety R24)
    std::vector<std::string> going;  // names of all, those kept till now included
};

// A drill sets its volumes to Delete by itself, unless it was killed before it came to that. Whoever may not see
// volumes is told so. A claim that was bound to a volume that was there before is left out of `found`: that would go
// with it.
Result<Volumes> volumes_of(kube::ClusterReader& reader, std::vector<Found>& found, std::vector<std::string>& notes) {
    std::vector<kube::ObjectRef> refs;
    std::vector<const Found*> claims;
    for (const Found& one : found) {
        const std::string volume = kube::text_at(one.object, "/spec/volumeName");
        if (one.ref.resource != kube::kClaims || volume.empty()) continue;
        refs.push_back({kube::kVolumes, "", volume});
        claims.push_back(&one);
    }
    Volumes volumes;
    std::set<std::string> left;
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (!objects[i].ok()) {
            const ErrorKind kind = objects[i].error().kind;
            if (kind == ErrorKind::kForbidden)
                notes.push_back(refs[i].text() +
                                " could not be read: whether it goes is not waited for, and under reclaim policy "
                                "Retain it outlives " +
                                claims[i]->ref.text());
            else if (kind != ErrorKind::kNotFound)
                return objects[i].error().with_context(refs[i].text());
            continue;
        }
        kube::Volume volume = kube::volume_of(*objects[i]);
        const bool its_own = volume.claim_uid == kube::uid_of(claims[i]->object);
        if (its_own && volume.chosen) {
            left.insert(claims[i]->ref.name);
            notes.push_back(claims[i]->ref.text() + " is left: it was bound to " + refs[i].text() +
                            ", which was there before and would go with it");
            continue;
        }
        if (!its_own) continue;
        const std::string role = kube::label_of(claims[i]->object, labels::kRole);
        const bool kept = volume.reclaim_policy != "Delete" && !volume.deleting;
        if (role == "drill" || role == "open") {
            volumes.going.push_back(volume.name);
            if (kept) volumes.kept.push_back(std::move(volume));
        } else if (kept) {
            notes.push_back(refs[i].text() + " stays, under reclaim policy " + escape_line(volume.reclaim_policy) +
                            ", with what was restored to " + claims[i]->ref.text());
        }
    }
    std::erase_if(found,
                  [&](const Found& one) { return one.ref.resource == kube::kClaims && left.contains(one.ref.name); });
    return volumes;
}

std::vector<std::string> let_volumes_go(Plan& plan, const std::vector<kube::Volume>& kept) {
    std::vector<std::string> ids;
    for (const kube::Volume& volume : kept) {
        Step step;
        step.id = "reclaim-" + volume.name;
        step.title = "set the reclaim policy of pv/" + volume.name + " to Delete";
        step.reason = "a throwaway volume must not stay when its claim goes";
        step.action = Patch{{kube::kVolumes, "", volume.name},
                            kube::PatchType::kMerge,
                            {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}},
                            {volume.uid, ""},
                            ""};
        ids.push_back(step.id);
        plan.steps.push_back(std::move(step));
    }
    return ids;
}

// A volume goes after its claim: whoever is told that all is removed finds none of them any more.
void await_volumes(Plan& plan, std::vector<std::string> going) {
    if (going.empty()) return;
    Step step;
    step.id = "volumes-gone";
    step.title = "wait until the throwaway volumes are gone";
    step.action = WaitFor{kube::kVolumes, "", std::move(going), Condition::kGone, ""};
    for (const Step& one : plan.steps) step.after.push_back(one.id);
    plan.steps.push_back(std::move(step));
}

}  // namespace

Result<std::map<std::string, std::string>> mounted_claims(kube::ClusterReader& reader, const std::string& space,
                                                          const std::set<std::string>& except) {
    TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, space));
    std::map<std::string, std::string> users;
    for (const Json& pod : pods.items) {
        if (except.contains(kube::name_of(pod))) continue;
        for (const std::string& claim : kube::claims_of_pod(pod)) users[claim] = kube::name_of(pod);
    }
    return users;
}

Status add_removals(kube::ClusterReader& reader, Plan& plan, std::vector<Found> found) {
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return removal_order(a.ref.resource) < removal_order(b.ref.resource);
    });
    TRY_ASSIGN(Volumes volumes, volumes_of(reader, found, plan.notes));
    std::vector<std::string> before = let_volumes_go(plan, volumes.kept);
    for (const Found& one : found) {
        plan.steps.push_back(removal(one.ref, kube::uid_of(one.object), before));
        if (one.ref.resource == kube::kPods) before.push_back(plan.steps.back().id);
    }
    await_volumes(plan, std::move(volumes.going));
    plan.asks = !plan.steps.empty();
    return {};
}

}  // namespace holdfast::plan
