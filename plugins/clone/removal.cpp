#include "plugins/clone/removal.h"

#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "plugins/clone/needed.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

// A claim stays while a pod mounts it, and a content while its snapshot is there.
int order_of(const kube::Resource& resource) {
    if (resource == kube::kStatefulSets || resource == kube::kDeployments) return 0;
    if (resource == kube::kPods) return 1;
    if (resource == kube::kClaims) return 3;
    if (resource == kube::kSnapshots) return 4;
    if (resource == kube::kSnapshotContents) return 5;
    return 2;
}

Status gather_users(kube::ClusterReader& reader, Removal& removal) {
    std::map<std::string, std::set<std::string>> claims;  // by namespace
    for (const Belonging& one : removal.belongings) {
        if (one.ref.resource == kube::kClaims) claims[one.ref.space].insert(one.ref.name);
    }
    for (const auto& [space, names] : claims) {
        TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, space));
        for (const Json& pod : pods.items) {
            if (goes_along(removal.belongings, pod)) continue;
            for (const std::string& claim : kube::claims_of_pod(pod)) {
                if (names.contains(claim)) removal.users[space + "/" + claim] = kube::name_of(pod);
            }
        }
    }
    return {};
}

Status gather_volumes_of(kube::ClusterReader& reader, Removal& removal) {
    for (const Belonging& one : removal.belongings) {
        if (one.ref.resource != kube::kClaims) continue;
        const kube::Claim claim = kube::claim_of(one.object);
        if (claim.volume.empty()) continue;
        TRY_ASSIGN(const std::optional<Json> object, reader.find({kube::kVolumes, "", claim.volume}));
        if (!object) continue;
        kube::Volume volume = kube::volume_of(*object);
        // Only one that is this claim's own: its reclaim policy is about to become Delete.
        if (volume.claim_uid != claim.uid) continue;
        if (volume.chosen)
            removal.taken[one.ref.space + "/" + one.ref.name] = volume.name;
        else
            removal.volumes.push_back(std::move(volume));
    }
    return {};
}

Status gather_contents(kube::ClusterReader& reader, Removal& removal) {
    for (const Belonging& one : removal.belongings) {
        if (one.ref.resource != kube::kSnapshots) continue;
        const kube::Snapshot snapshot = kube::snapshot_of(one.object);
        // A content of its own that an import was made with is one of the belongings.
        if (snapshot.content.empty() || !snapshot.source_content.empty()) continue;
        TRY_ASSIGN(const std::optional<Json> object, reader.find({kube::kSnapshotContents, "", snapshot.content}));
        if (object && kube::bound_both_ways(snapshot, kube::content_of(*object)))
            removal.contents[one.ref.text()] = *object;
    }
    return {};
}

class Remover {
  public:
    explicit Remover(const Removal& removal) : removal_(removal) {}

    plan::Plan build() {
        keep_nothing();
        std::vector<const Belonging*> sorted;
        for (const Belonging& one : removal_.belongings) sorted.push_back(&one);
        std::stable_sort(sorted.begin(), sorted.end(), [](const Belonging* a, const Belonging* b) {
            return order_of(a->ref.resource) < order_of(b->ref.resource);
        });
        int order = -1;
        for (const Belonging* one : sorted) {
            if (order_of(one->ref.resource) != order) next();
            order = order_of(one->ref.resource);
            remove(*one);
        }
        await_volumes();
        plan_.asks = !plan_.steps.empty();
        return std::move(plan_);
    }

  private:
    void add(plan::Step step) {
        current_.push_back(step.id);
        plan_.steps.push_back(std::move(step));
    }
    void next() {
        if (!current_.empty()) after_ = std::move(current_);
        current_.clear();
    }
    bool stays(const kube::ObjectRef& ref) const {
        return ref.resource == kube::kClaims && removal_.users.contains(ref.space + "/" + ref.name);
    }
    bool stays(const kube::Volume& volume) const {
        return removal_.users.contains(volume.claim_space + "/" + volume.claim_name);
    }

    // Before anything goes: what is under Retain when its claim or snapshot goes stays behind.
    void keep_nothing() {
        for (const kube::Volume& volume : removal_.volumes) {
            if (volume.reclaim_policy == "Delete" || volume.deleting || stays(volume)) continue;
            add(plan::patch_step("reclaim-" + volume.name, "set the reclaim policy of pv/" + volume.name + " to Delete",
                                 "the clone's volume must not stay when its claim goes",
                                 {kube::kVolumes, "", volume.name}, volume.uid,
                                 {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}}));
        }
        for (const auto& [snapshot, object] : removal_.contents) {
            const kube::SnapshotContent content = kube::content_of(object);
            if (content.deletion_policy == "Delete" || content.deleting) continue;
            add(plan::patch_step("reclaim-" + content.name,
                                 "set the deletion policy of volumesnapshotcontent/" + content.name + " to Delete",
                                 "a throwaway snapshot must not stay on the storage",
                                 {kube::kSnapshotContents, "", content.name}, content.uid,
                                 {{"spec", {{"deletionPolicy", "Delete"}}}}));
        }
    }

    void remove(const Belonging& one) {
        // Its volume would go with it, and whose data that holds nobody here knows.
        const auto taken = removal_.taken.find(one.ref.space + "/" + one.ref.name);
        if (one.ref.resource == kube::kClaims && taken != removal_.taken.end()) {
            plan_.notes.push_back(one.ref.text() + " is left: it was bound to pv/" + taken->second +
                                  ", which was there before and would go with it");
            return;
        }
        const auto needed = removal_.needed.find(one.ref.text());
        if (needed != removal_.needed.end()) {
            plan_.notes.push_back(one.ref.text() + " is left: " + needed->second +
                                  " needs it; once nothing does: " + "kubectl delete " +
                                  to_lower(one.ref.resource.kind) + " " + one.ref.name + " -n " + one.ref.space);
            return;
        }
        const auto unseen = removal_.unseen.find(one.ref.text());
        if (unseen != removal_.unseen.end()) {
            plan_.notes.push_back(one.ref.text() +
                                  " is left: whether something else needs it could not be seen (not "
                                  "allowed to list " +
                                  unseen->second + "); if nothing does: kubectl delete " +
                                  to_lower(one.ref.resource.kind) + " " + one.ref.name + " -n " + one.ref.space);
            return;
        }
        if (stays(one.ref)) {
            plan_.notes.push_back(one.ref.text() + " is left: pod " +
                                  removal_.users.at(one.ref.space + "/" + one.ref.name) + " uses it");
            return;
        }
        plan::Step step = plan::delete_step("remove-" + one.ref.resource.short_name + "-" + one.ref.name, one.ref,
                                            kube::uid_of(one.object), "the clone's own", after_);
        if (one.ref.resource == kube::kClaims) step.risk = plan::Risk::kFinal;
        // Waiting would need a list of every Secret (safety R30); nothing holds one back.
        if (one.ref.resource == kube::kSecrets) std::get<plan::Delete>(step.action).wait = false;
        add(std::move(step));
    }

    void await_volumes() {
        next();
        plan::WaitFor wait{kube::kVolumes, "", {}, plan::Condition::kGone, ""};
        for (const kube::Volume& volume : removal_.volumes) {
            if (!stays(volume)) wait.names.push_back(volume.name), wait.uids.push_back(volume.uid);
        }
        if (wait.names.empty()) return;
        add(plan::make_step("volumes-gone", "wait until the clone's volumes are gone", "", std::move(wait), after_));
    }

    const Removal& removal_;
    plan::Plan plan_;
    std::vector<std::string> after_, current_;
};

}  // namespace

Result<Removal> gather_removal(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& refs,
                               const std::function<bool(const Json&)>& ours) {
    Removal removal;
    auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!answers[i].ok()) {
            if (answers[i].error().kind == ErrorKind::kNotFound) continue;
            return answers[i].error().with_context(refs[i].text());
        }
        if (ours(*answers[i])) removal.belongings.push_back({refs[i], std::move(answers[i]).value()});
    }
    TRY(gather_users(reader, removal));
    TRY(gather_needed(reader, removal));
    TRY(gather_volumes_of(reader, removal));
    TRY(gather_contents(reader, removal));
    return removal;
}

plan::Plan plan_removal(const Removal& removal) { return Remover(removal).build(); }

}  // namespace holdfast::clone
