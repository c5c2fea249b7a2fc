#include "common/plan/operations.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/plan/holding.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::plan {
namespace {

// A message about an unreadable journal begins with its ConfigMap: "configmap/NAMESPACE/holdfast-op-ID: ...".
bool names_journal_of(const std::vector<std::string>& damaged, const std::string& operation) {
    const std::string name = "/" + journal_name(operation) + ":";
    return std::any_of(damaged.begin(), damaged.end(),
                       [&](const std::string& message) { return message.find(name) != std::string::npos; });
}

bool throwaway_role(const std::string& role) {
    return role == "drill" || role == "open" || role == "consumer" || role == "prove" || role == "mask";
}

// Labels are copied along with manifests, and anyone may set them; what is deleted by its labels is also called as an
// operation calls its throwaways.
std::string not_a_throwaway(const Json& object, const std::string& operation) {
    if (!is_named_after(kube::name_of(object), operation)) return "its name is not made of that operation's id";
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners != nullptr && owners->is_array() && !owners->empty()) return "it belongs to another object";
    return "";
}

// Pods that mount a claim of a namespace: claim name -> pod name.
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

struct Found {
    kube::ObjectRef ref;
    Json object;
};

// Volumes of throwaway claims that would stay behind when their claim goes (safety R24): a drill sets them to Delete by
// itself, unless it was killed before it came to that. Whoever may not see volumes is told so.
// A claim that was bound to a volume that was there before is left out of `found`: that volume would go with it.
Result<std::vector<kube::Volume>> kept_volumes(kube::ClusterReader& reader, std::vector<Found>& found,
                                               std::vector<std::string>& notes) {
    std::vector<kube::ObjectRef> refs;
    std::vector<const Found*> claims;
    for (const Found& one : found) {
        const std::string volume = kube::text_at(one.object, "/spec/volumeName");
        if (one.ref.resource != kube::kClaims || volume.empty()) continue;
        refs.push_back({kube::kVolumes, "", volume});
        claims.push_back(&one);
    }
    std::vector<kube::Volume> kept;
    std::set<std::string> left;
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (!objects[i].ok()) {
            const ErrorKind kind = objects[i].error().kind;
            if (kind == ErrorKind::kForbidden)
                notes.push_back(refs[i].text() + " could not be read: under reclaim policy Retain it outlives " +
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
        if (!its_own || volume.reclaim_policy == "Delete" || volume.deleting) continue;
        const std::string role = kube::label_of(claims[i]->object, labels::kRole);
        if (role == "drill" || role == "open")
            kept.push_back(std::move(volume));
        else
            notes.push_back(refs[i].text() + " stays, under reclaim policy " + escape_line(volume.reclaim_policy) +
                            ", with what was restored to " + claims[i]->ref.text());
    }
    std::erase_if(found,
                  [&](const Found& one) { return one.ref.resource == kube::kClaims && left.contains(one.ref.name); });
    return kept;
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

void await_volumes(Plan& plan, const std::vector<kube::Volume>& kept) {
    if (kept.empty()) return;
    Step step;
    step.id = "volumes-gone";
    step.title = "wait until the throwaway volumes are gone";
    WaitFor wait{kube::kVolumes, "", {}, Condition::kGone, ""};
    for (const kube::Volume& volume : kept) wait.names.push_back(volume.name);
    step.action = std::move(wait);
    for (const Step& one : plan.steps) step.after.push_back(one.id);
    plan.steps.push_back(std::move(step));
}

// What is labelled and named as an operation's throwaways are.
Result<std::vector<Found>> throwaways_in(kube::ClusterReader& reader, const std::string& space,
                                         std::vector<std::string>& notes) {
    const std::string ours = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole +
                             " in (drill,open,consumer,prove,mask)";
    std::vector<Found> candidates;
    for (const kube::Resource* resource : {&kube::kPods, &kube::kClaims, &kube::kConfigMaps, &kube::kNetworkPolicies}) {
        // Without one of them "nothing to remove" would be a guess.
        TRY_ASSIGN(kube::List list, reader.list(*resource, space, {ours, ""}));
        for (Json& item : list.items) {
            if (kube::label_of(item, labels::kOperation).empty() ||
                !throwaway_role(kube::label_of(item, labels::kRole)))
                continue;
            const std::string why = not_a_throwaway(item, kube::label_of(item, labels::kOperation));
            if (!why.empty()) {
                notes.push_back(kube::ObjectRef{*resource, space, kube::name_of(item)}.text() +
                                " is left: it carries labels of operation " +
                                escape_line(kube::label_of(item, labels::kOperation)) + ", but " + why);
                continue;
            }
            candidates.push_back({{*resource, space, kube::name_of(item)}, std::move(item)});
        }
    }
    return candidates;
}

Result<std::vector<kube::Lease>> leases_in(kube::ClusterReader& reader, const std::string& space) {
    const std::string ours = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue;
    TRY_ASSIGN(const kube::List list, reader.list(kube::kLeases, space, {ours, ""}));
    std::vector<kube::Lease> leases;
    for (const Json& item : list.items) {
        kube::Lease lease = kube::lease_of(item);
        if (!lease.operation.empty()) leases.push_back(std::move(lease));
    }
    return leases;
}

// A lock is taken a moment before its journal is written: only one that has long been left is nobody's.
bool nobodys(const kube::Lease& lease, const Self& self, SystemTime now) {
    const Life life = owner_of(lease, self, now).life;
    const bool old = lease.renewed && now - *lease.renewed > std::chrono::minutes(1);
    return life == Life::kDead || (life == Life::kSilent && old);
}

Status take_back_held(Holding& holding, Journal& journal, const Plan& shown, const WayBack& back,
                      const Limits& limits) {
    World& world = holding.world();
    TRY_ASSIGN(const Plan plan, back(world.cluster));
    if (brief(plan) != brief(shown)) {
        return Error{
            ErrorKind::kConflict,
            "what abort would remove is not the same any more: somebody changed the cluster since the plan was "
            "made; nothing was removed",
            "run the command again and look at the new plan", 0, ""};
    }
    TRY(execute(plan, world, limits).status);
    // A fresh look says that nothing is left to be taken back; somebody may have been at work meanwhile.
    TRY_ASSIGN(const Plan left, back(world.cluster));
    if (!left.steps.empty())
        return Error{ErrorKind::kConflict,
                     "what was taken back is not so any more: somebody changed the cluster meanwhile; the first step "
                     "that is left: " +
                         left.steps.front().title,
                     "run the command again", 0, ""};
    // The journal goes last: until then the same command finds what is still to be taken back, and the locks by it.
    TRY(world.may_write());
    holding.release(false);
    return erase(world.cluster, journal);
}

Status add_removals(kube::ClusterReader& reader, Plan& plan, std::vector<Found> found) {
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return removal_order(a.ref.resource) < removal_order(b.ref.resource);
    });
    TRY_ASSIGN(const std::vector<kube::Volume> kept, kept_volumes(reader, found, plan.notes));
    std::vector<std::string> before = let_volumes_go(plan, kept);
    for (const Found& one : found) {
        plan.steps.push_back(removal(one.ref, kube::uid_of(one.object), before));
        if (one.ref.resource == kube::kPods) before.push_back(plan.steps.back().id);
    }
    await_volumes(plan, kept);
    plan.asks = !plan.steps.empty();
    return {};
}

}  // namespace

bool is_named_after(const std::string& name, const std::string& operation) {
    constexpr std::size_t kKept = 40;  // of an id, however much a bounded name had to be cut
    return !operation.empty() && starts_with(name, std::string_view(operation).substr(0, kKept));
}

OperationStatus describe(const Journal& journal, const Owner& owner) {
    OperationStatus status;
    status.journal = journal;
    status.who = owner.life == Life::kDead ? "" : owner.who;
    switch (owner.life) {
        case Life::kLive:
            status.owner = "runs";
            break;
        case Life::kDead:
            status.owner = journal.state == "done" ? "finished" : "stopped";
            break;
        case Life::kSilent:
            status.owner = "not heard of lately";
            break;
    }
    const std::string rest = " " + journal.operation + " -n " + journal.space;
    status.resume = "kubectl " + journal.plugin + " resume" + rest;
    status.abort = "kubectl " + journal.plugin + " abort" + rest;
    return status;
}

Result<Plan> plan_abort(kube::ClusterReader& reader, const Journal& journal) {
    if (journal.state == "done") {
        return Error{ErrorKind::kRefused,
                     "operation " + journal.operation + " is finished: there is nothing to abort; nothing was changed",
                     "", 0, ""};
    }
    Plan plan;
    plan.operation = journal.operation;
    std::vector<kube::ObjectRef> refs = created_objects(journal);
    std::reverse(refs.begin(), refs.end());
    std::vector<Found> found;
    std::set<std::string> own_pods;
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!objects[i].ok()) {
            if (objects[i].error().kind != ErrorKind::kNotFound) return objects[i].error().with_context(refs[i].text());
            continue;
        }
        if (kube::label_of(*objects[i], labels::kOperation) != journal.operation) {
            plan.notes.push_back(refs[i].text() + " is left: another operation or user made it");
            continue;
        }
        if (refs[i].resource == kube::kPods) own_pods.insert(refs[i].name);
        found.push_back({refs[i], *objects[i]});
    }
    // Not always beside the journal: a claim may be restored or cloned to another namespace.
    std::set<std::string> spaces;
    for (const Found& one : found) {
        if (one.ref.resource == kube::kClaims) spaces.insert(one.ref.space);
    }
    for (const std::string& space : spaces) {
        TRY_ASSIGN(const auto users, mounted_claims(reader, space, own_pods));
        std::erase_if(found, [&](const Found& one) {
            const auto user = users.find(one.ref.name);
            if (one.ref.resource != kube::kClaims || one.ref.space != space || user == users.end()) return false;
            plan.notes.push_back(one.ref.text() + " is left: pod " + user->second + " uses it");
            return true;
        });
    }
    // What a --pre held back is not ours to let go here: the pods may be others by now. It must be said.
    const std::string post = kube::text_at(journal.arguments, "/values/post/0");
    if (!post.empty()) {
        plan.notes.push_back(
            "--post is not run by abort, only by resume: if writes are still held back, let them go by hand: " +
            escape_line(post));
    }
    TRY(add_removals(reader, plan, std::move(found)));
    return plan;
}

Outcome take_back(World& world, Journal& journal, const Plan& shown, const WayBack& back, const Limits& limits) {
    Outcome outcome;
    auto holding = Holding::take(world, journal, true);
    if (!holding.ok()) {
        outcome.status = holding.error();
        return outcome;
    }
    outcome.wrote = true;
    outcome.status = take_back_held(**holding, journal, shown, back, limits);
    if (!(*holding)->lost()) (*holding)->release(!outcome.status.ok());
    return outcome;
}

Result<Plan> plan_gc(kube::ClusterReader& reader, const std::string& space, const Self& self,
                     const Patience& patience) {
    Plan plan;
    plan.operation = "gc";
    // Objects first, journals after: an operation writes its journal before its first object, so none is taken for dead
    // that has only just begun.
    TRY_ASSIGN(std::vector<Found> candidates, throwaways_in(reader, space, plan.notes));
    TRY_ASSIGN(const std::vector<kube::Lease> leases, leases_in(reader, space));
    std::vector<std::string> damaged;
    TRY_ASSIGN(const std::vector<Journal> journals, list_journals(reader, space, damaged));
    for (const std::string& one : damaged) plan.notes.push_back(one);
    TRY_ASSIGN(const std::vector<Owner> owners, settle_owners(reader, journals, self, patience));
    std::map<std::string, Life> open;
    for (std::size_t i = 0; i < journals.size(); ++i) {
        if (journals[i].state != "done") open[journals[i].operation] = owners[i].life;
    }
    auto live = [&](const std::string& operation) {
        const auto life = open.find(operation);
        // Whose journal cannot be read, a newer Holdfast's perhaps, may well be at work.
        return life == open.end() ? names_journal_of(damaged, operation) : life->second != Life::kDead;
    };
    std::vector<Found> found;
    std::set<std::string> own_pods, kept;
    for (Found& one : candidates) {
        const std::string operation = kube::label_of(one.object, labels::kOperation);
        if (live(operation)) {
            kept.insert(operation);
            continue;
        }
        if (one.ref.resource == kube::kPods) own_pods.insert(one.ref.name);
        found.push_back(std::move(one));
    }
    TRY_ASSIGN(const auto users, mounted_claims(reader, space, own_pods));
    std::erase_if(found, [&](const Found& one) {
        const auto user = users.find(one.ref.name);
        if (one.ref.resource != kube::kClaims || user == users.end()) return false;
        plan.notes.push_back(one.ref.text() + " is left: pod " + user->second + " uses it");
        return true;
    });
    for (const std::string& operation : kept)
        plan.notes.push_back("operation " + operation + " is left: it may still run");
    for (const Journal& journal : journals) {
        const OperationStatus status = describe(journal, Owner{});
        if (!live(journal.operation) && journal.state != "done")
            plan.notes.push_back("operation " + journal.operation + " is unfinished: " + status.resume + ", or " +
                                 status.abort);
    }
    for (const kube::Lease& lease : leases) {
        if (!open.contains(lease.operation) && !live(lease.operation) && nobodys(lease, self, patience.clock.now()))
            found.push_back({{kube::kLeases, space, lease.name}, kube::lease_manifest(lease)});
    }
    TRY(add_removals(reader, plan, std::move(found)));
    return plan;
}

}  // namespace holdfast::plan
