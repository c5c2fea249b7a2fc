#include "tests/crash/actor.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/swap.h"
#include "tests/crash/world.h"
#include "tests/sim/api.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace holdfast::crash {
namespace {

constexpr std::array kNames = {"autoscaler",     "event-scaler", "gitops",     "replaces",   "same-command",
                               "other-command",  "other-plugin", "eviction",   "tidies",     "drops-claim",
                               "reverts-policy", "ends-space",   "takes-over", "takes-back", "rebuilds",
                               "marks",          "grows"};
static_assert(kNames.size() == static_cast<std::size_t>(Actor::kCount));

// Functions, since kube::k... may be made after what stands here.
kube::ObjectRef set_ref() { return {kube::kStatefulSets, kSpace, "postgres"}; }

// With the generation that a client's write gives.
bool change_spec(sim::Sim& sim, const kube::ObjectRef& ref, const Json& patch) {
    const sim::ObjectPtr before = sim.store.find(ref);
    if (!before) return false;
    const auto made = api_patch(sim, ref, kube::PatchType::kMerge, {{"spec", patch}}, {}, kube::DryRun::kNone, "");
    return made.ok() && kube::version_of(*made) != kube::version_of(*before);
}

// Chooses among a few whatever multiples the requests are at which an actor comes.
std::size_t mixed(int turn) { return (static_cast<std::uint32_t>(turn) * 2654435761U) >> 16; }  // Knuth, 6.4

Acted scale(sim::Sim& sim, bool awake, int replicas) {
    const sim::ObjectPtr set = sim.store.find(set_ref());
    if (!set || (kube::replicas_of(*set) > 0) != awake) return {};
    // On one that is going the number goes too; an autoscaler finds the next one 15 s later, which is another boundary.
    if (set.deleting()) return {};
    return {change_spec(sim, set_ref(), {{"replicas", replicas}}), set_ref()};
}

// As it lies in Git, where nobody has written what an operation holds it at that the case begins with.
Json manifest_of(const sim::Sim& start) {
    Json manifest = *start.store.find(set_ref());
    const std::string held = kube::annotation_of(manifest, labels::kReplicas);
    if (!held.empty()) manifest["spec"]["replicas"] = std::atoi(held.c_str());
    if (!held.empty() || !kube::annotation_of(manifest, labels::kRetention).empty())
        manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = retention();
    manifest.erase("status");
    for (const char* key : {"uid", "resourceVersion", "creationTimestamp", "generation", "annotations"})
        manifest["metadata"].erase(key);
    return manifest;
}

Acted revert(sim::Sim& sim, const sim::Sim& start) {
    const Json manifest = manifest_of(start);
    const Json& spec = manifest["spec"];
    return {change_spec(sim, set_ref(),
                        {{"replicas", spec["replicas"]},
                         {"persistentVolumeClaimRetentionPolicy", spec["persistentVolumeClaimRetentionPolicy"]}}),
            set_ref()};
}

Acted replace(sim::Sim& sim, const sim::Sim& start) {
    if (!api_remove(sim, set_ref(), {}, kube::Propagation::kOrphan, kube::DryRun::kNone).ok()) return {};
    for (int i = 0; i < 100 && sim.store.find(set_ref()); ++i) sim.advance(sim::milliseconds(50));
    return {api_create(sim, manifest_of(start), kube::DryRun::kNone).ok(), set_ref()};
}

Acted remove(sim::Sim& sim, const kube::ObjectRef& ref) {
    return {api_remove(sim, ref, {}, kube::Propagation::kBackground, kube::DryRun::kNone).ok(), ref};
}

Acted tidy(sim::Sim& sim, int turn) {
    std::vector<kube::ObjectRef> ours;
    for (const kube::Resource* resource : {&kube::kPods, &kube::kClaims}) {
        for (const sim::ObjectPtr& object : sim.store.list(*resource, kSpace)) {
            if (!kube::label_of(*object, labels::kOperation).empty())
                ours.push_back({*resource, kSpace, kube::name_of(*object)});
        }
    }
    if (ours.empty()) return {};
    return remove(sim, ours[static_cast<std::size_t>(turn) % ours.size()]);
}

// Any of the workload's claims.
Acted drop_claim(sim::Sim& sim, int turn) {
    constexpr std::array kClaimNames = {"data-postgres-0", "wal-postgres-1", "wal-postgres-0", "data-postgres-1"};
    return remove(sim, {kube::kClaims, kSpace, kClaimNames.at(mixed(turn) % kClaimNames.size())});
}

// As those do who let a replica be filled anew from the others: both are deleted, and the controller makes both again.
Acted rebuild(sim::Sim& sim, int turn) {
    const sim::ObjectPtr set = sim.store.find(set_ref());
    if (!set || set.deleting() || kube::replicas_of(*set) == 0) return {};
    const std::string ordinal = mixed(turn) % 2 == 0 ? "-1" : "-0";
    const kube::ObjectRef ref{kube::kClaims, kSpace, "data-postgres" + ordinal};
    const sim::ObjectPtr before = sim.store.find(ref);
    const Acted acted = remove(sim, ref);
    (void)remove(sim, {kube::kPods, kSpace, "postgres" + ordinal});
    const auto remade = [&] {
        const sim::ObjectPtr now = sim.store.find(ref);
        return now && now.uid() != before.uid();
    };
    for (int i = 0; acted.happened && i < 100 && !remade(); ++i) sim.advance(sim::milliseconds(50));
    return acted;
}

// What reads nothing but the objects in it can tell only once its controller has begun to delete these.
Acted end_space(sim::Sim& sim, int turn) {
    const Acted acted = remove(sim, {kube::kNamespaces, "", kSpace});
    const auto begun = [&] {
        const auto claims = sim.store.list(kube::kClaims, kSpace);
        return std::any_of(claims.begin(), claims.end(), [](const auto& one) { return one.deleting(); });
    };
    for (int i = 0; mixed(turn) % 2 == 0 && i < 100 && !begun(); ++i) sim.advance(sim::milliseconds(50));
    return acted;
}

// Whoever enforces "policy Delete" does it where it sees Retain under a class that says Delete.
Acted revert_policy(sim::Sim& sim, int turn) {
    std::vector<kube::ObjectRef> kept;
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        if (kube::text_at(*volume, "/spec/persistentVolumeReclaimPolicy") == "Retain" &&
            kube::text_at(*volume, "/spec/storageClassName") == "fast")
            kept.push_back({kube::kVolumes, "", kube::name_of(*volume)});
    }
    if (kept.empty()) return {};
    const kube::ObjectRef& ref = kept[static_cast<std::size_t>(turn) % kept.size()];
    return {change_spec(sim, ref, {{"persistentVolumeReclaimPolicy", "Delete"}}), ref};
}

// At half of the requests the storage is done with it, too.
Acted grow(sim::Sim& sim, int turn) {
    const kube::ObjectRef ref{kube::kClaims, kSpace, mixed(turn) % 4 < 2 ? "data-postgres-1" : "wal-postgres-0"};
    const sim::ObjectPtr claim = sim.store.find(ref);
    const Quantity wanted = Quantity::from_bytes(2LL << 30);
    if (!claim || claim.deleting() || claim.claim().requested.value_or(wanted) >= wanted) return {};
    const bool asked = change_spec(sim, ref, {{"resources", {{"requests", {{"storage", wanted.text()}}}}}});
    const auto done = [&] { return sim.store.find(ref) && sim.store.find(ref).claim().capacity == wanted; };
    for (int i = 0; asked && mixed(turn) % 2 == 0 && i < 400 && !done(); ++i) sim.advance(sim::milliseconds(50));
    return {asked, ref};
}

// What restore writes on a volume that it is about to take out (safety R1, R11).
Acted mark(sim::Sim& sim, int turn) {
    const kube::ObjectRef claim_ref{kube::kClaims, kSpace, mixed(turn) % 2 == 0 ? "data-postgres-0" : "wal-postgres-1"};
    const sim::ObjectPtr claim = sim.store.find(claim_ref);
    const std::string name = claim ? kube::text_at(*claim, "/spec/volumeName") : "";
    const kube::ObjectRef ref{kube::kVolumes, "", name};
    const sim::ObjectPtr volume = name.empty() ? nullptr : sim.store.find(ref);
    if (!volume || !kube::annotation_of(*volume, labels::kSwap).empty()) return {};
    restore::SwapMark mark;
    mark.operation = "in-place-other-abcde";
    mark.space = kSpace;
    mark.claim = claim_ref.name;
    mark.claim_uid = claim.uid();
    mark.policy = "Delete";
    mark.workload = "deploy/" + std::string(kSpace) + "/other";
    mark.taken_out = true;
    const Json body = {{"metadata",
                        {{"annotations", {{labels::kSwap, restore::mark_json(mark).dump()}}},
                         {"labels", {{labels::kKept, mark.operation}}}}},
                       {"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}};
    return {api_patch(sim, ref, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "").ok(), ref};
}

}  // namespace

std::string actor_name(Actor actor) { return kNames.at(static_cast<std::size_t>(actor)); }

std::vector<Actor> all_actors() {
    std::vector<Actor> all;
    for (int i = 0; i < static_cast<int>(Actor::kCount); ++i) all.push_back(static_cast<Actor>(i));
    return all;
}

Acted act(Actor actor, sim::Sim& sim, const sim::Sim& start, int turn) {
    const bool by_manifest = actor == Actor::kEventScaler || actor == Actor::kGitops || actor == Actor::kReplaces;
    if (by_manifest && !start.store.find(set_ref())) return {};  // the case begins without it
    switch (actor) {
        case Actor::kAutoscaler:
            return scale(sim, true, 3);
        case Actor::kEventScaler:
            return scale(sim, false, kube::replicas_of(*start.store.find(set_ref())));
        case Actor::kGitops:
            return revert(sim, start);
        case Actor::kReplaces:
            return replace(sim, start);
        case Actor::kEviction:
            return remove(sim, {kube::kPods, kSpace, "postgres-" + std::to_string(turn % 2)});
        case Actor::kTidies:
            return tidy(sim, turn);
        case Actor::kDropsClaim:
            return drop_claim(sim, turn);
        case Actor::kRebuilds:
            return rebuild(sim, turn);
        case Actor::kRevertsPolicy:
            return revert_policy(sim, turn);
        case Actor::kEndsSpace:
            return end_space(sim, turn);
        case Actor::kGrows:
            return grow(sim, turn);
        case Actor::kMarks:
            return mark(sim, turn);
        case Actor::kSameCommand:
        case Actor::kOtherCommand:
        case Actor::kOtherPlugin:
        case Actor::kTakesOver:
        case Actor::kTakesBack:
        case Actor::kCount:
            return {};
    }
    return {};
}

}  // namespace holdfast::crash
