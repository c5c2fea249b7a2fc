#include "common/plan/holding.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::plan {
namespace {

constexpr int kMarkTries = 5;

// Pods are never marked: they come and go, and every write to one names its uid.
bool markable(const kube::ObjectRef& ref) { return ref.resource != kube::kPods; }

std::vector<kube::ObjectRef> targets_of(const Journal& journal) {
    std::vector<kube::ObjectRef> targets = written_objects(journal);
    for (const Lock& lock : journal.locks) {
        if (std::find(targets.begin(), targets.end(), lock.workload) == targets.end()) targets.push_back(lock.workload);
    }
    std::erase_if(targets, [](const kube::ObjectRef& ref) { return !markable(ref); });
    return targets;
}

// An object that was changed between our read and our mark is read again. Each time it is asked whether we are still
// the owner: whoever slept meanwhile may find the mark of a later one there.
Status mark(kube::Cluster& cluster, const kube::ObjectRef& ref, Json live, const Journal& journal, Tenure& tenure) {
    const std::string epoch = epoch_mark(journal.operation, journal.epoch);
    const Json body = {{"metadata", {{"annotations", {{labels::kEpoch, epoch}}}}}};
    for (int attempt = 1;; ++attempt) {
        TRY(tenure.may_write());
        const auto marked = cluster.patch(ref, kube::PatchType::kMerge, body,
                                          {kube::uid_of(live), kube::version_of(live)}, kube::DryRun::kNone, "");
        if (marked.ok()) return {};
        auto again = cluster.find(ref);
        if (again.ok() && !again->has_value()) return {};
        if (!again.ok() || attempt == kMarkTries) return marked.error().with_context(ref.text());
        if (kube::annotation_of(**again, labels::kEpoch) == epoch) return {};  // done, and its answer lost
        live = std::move(**again);
    }
}

}  // namespace

Holding::Holding(World& world, Journal& journal)
    : world_(world), journal_(journal), tenure_(world, {journal.operation, journal.plugin, journal.space}) {}

Result<std::unique_ptr<Holding>> Holding::take(World& world, Journal& journal, bool recorded) {
    std::unique_ptr<Holding> holding(new Holding(world, journal));
    if (journal.locks.empty()) {
        if (recorded) TRY(holding->settle_earlier());
    } else {
        TRY(holding->tenure_.take_locks(journal.locks));
        holding->tenure_.begin();
    }
    journal.owner = world.self.identity;
    journal.host = world.self.host;
    if (recorded) {
        const Status taken = holding->take_over();
        if (!taken.ok()) {
            // Of an operation that was ended while we slept nothing stays to be gone on with.
            const Status ours = holding->still_ours(world.cluster);
            holding->release(ours.ok() || ours.error().reason != kJournalGone);
            return taken.error();
        }
    }
    Fence fence{journal.operation, journal.epoch, !journal.locks.empty(), {}};
    if (fence.locks) {
        fence.before_creates = [&world, &journal, tenure = &holding->tenure_]() -> Status {
            journal.touched = world.clock.now();
            Status swapped = write_change(world.cluster, journal);
            if (!swapped.ok() && swapped.error().kind == ErrorKind::kConflict)
                return tenure->lose("its journal was written to by somebody else");
            return swapped;
        };
    }
    std::optional<OtherCluster> other = world.other;
    if (other) {
        holding->fenced_other_ = make_fenced(other->cluster, holding->tenure_, fence);
        other.emplace(OtherCluster{*holding->fenced_other_, other->pods, other->sql, other->explain});
    }
    holding->fenced_ = make_fenced(world.cluster, holding->tenure_, std::move(fence));
    holding->fenced_world_ = std::make_unique<World>(World{*holding->fenced_, world.clock, world.signals, world.witness,
                                                           world.pods, world.sql, world.attendant, world.explain,
                                                           [tenure = &holding->tenure_] {
                                                               tenure->tend();  // a step may rest for longer
                                                               return tenure->may_write();
                                                           },
                                                           world.make_heart, world.self, std::move(other)});
    return holding;
}

// Without locks the journal alone says whose the operation is.
Status Holding::settle_earlier() {
    const Patience patience{world_.clock, world_.signals,
                            [this](const std::string& text) { world_.witness.message(text); }};
    TRY_ASSIGN(const std::vector<Owner> owners, settle_owners(world_.cluster, {journal_}, world_.self, patience));
    if (owners.front().life == Life::kLive) return in_the_way(journal_.operation, owners.front());
    return {};
}

// First the journal, so that of two who take over one is told at once; then the targets: what the earlier owner has
// read of them is out of date from then on.
Status Holding::take_over() {
    ++journal_.epoch;
    journal_.touched = world_.clock.now();
    journal_.state = "open";
    // One that was made again from what objects tell is written anew.
    const Status swapped =
        journal_.uid.empty() ? write_new(world_.cluster, journal_) : write_change(world_.cluster, journal_);
    const bool raced = !swapped.ok() && (swapped.error().kind == ErrorKind::kConflict ||
                                         swapped.error().kind == ErrorKind::kAlreadyExists);
    if (raced) {
        return Error{
            ErrorKind::kLocked,
            "operation " + journal_.operation + " has just been written to by somebody else; nothing was changed",
            "`status` says who works on it", 0, ""};
    }
    if (!swapped.ok()) return swapped.error();
    if (journal_.locks.empty()) return recorded();
    return mark_targets();
}

Status Holding::mark_targets() {
    const std::vector<kube::ObjectRef> targets = targets_of(journal_), created = created_objects(journal_);
    std::vector<Result<Json>> objects = world_.cluster.get_all(targets);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        if (!objects[i].ok() && objects[i].error().kind == ErrorKind::kNotFound) continue;
        if (!objects[i].ok()) return objects[i].error().with_context(targets[i].text());
        // Somebody else's object under a name that we would have used is not ours to mark.
        const bool made = std::find(created.begin(), created.end(), targets[i]) != created.end();
        if (made && kube::label_of(*objects[i], labels::kOperation) != journal_.operation) continue;
        TRY(mark(world_.cluster, targets[i], std::move(*objects[i]), journal_, tenure_));
    }
    return {};
}

Status Holding::recorded() {
    if (!journal_.locks.empty()) return {};
    TRY(tenure_.take_own([this](kube::ClusterReader& reader) { return still_ours(reader); }, journal_.touched));
    tenure_.begin();
    return {};
}

// Where locks are held the error stands as it is: a workload that may be down is brought back first.
Error Holding::unwritten(const Error& error) {
    if (error.kind != ErrorKind::kNotFound || !journal_.locks.empty()) return error;
    const Status ours = still_ours(world_.cluster);
    if (ours.ok() || ours.error().reason != kJournalGone) return error;
    tenure_.release_own();  // whose journal is gone is found by nobody but gc
    tenure_.lose_journal();
    return tenure_.may_write().error();
}

// Called beside the work: only what does not change while this holds the journal is compared.
Status Holding::still_ours(kube::ClusterReader& reader) const {
    const auto there = read_journal(reader, journal_.space, journal_.operation);
    if (!there.ok() && there.error().kind == ErrorKind::kNotFound)
        return Error{ErrorKind::kLocked, "its journal is gone", "", 0, kJournalGone};
    if (!there.ok()) return there.error();
    if (there->epoch == journal_.epoch && there->owner == journal_.owner) return {};
    return Error{ErrorKind::kLocked, "it was taken over by " + owner_text(there->owner, there->host, world_.self), "",
                 0, ""};
}

std::vector<kube::AccessCheck> holding_needs(const Journal& journal, const Plan& plan) {
    std::vector<kube::AccessCheck> checks;
    for (const char* verb : {"get", "create", "update", "delete"})
        checks.push_back({verb, kube::kLeases, journal.space, "", ""});
    if (journal.locks.empty()) return checks;
    Journal planned = journal;
    planned.rounds.push_back(brief(plan));
    std::set<std::pair<std::string, std::string>> known;
    for (const kube::ObjectRef& ref : targets_of(planned)) {
        if (!known.insert({ref.resource.qualified(), ref.space}).second) continue;
        for (const char* verb : {"get", "patch"}) checks.push_back({verb, ref.resource, ref.space, "", ""});
    }
    return checks;
}

Status check_free(World& world, const Journal& journal) {
    std::vector<kube::ObjectRef> refs;
    for (const Lock& lock : journal.locks) refs.push_back(lock_lease(lock.workload));
    for (const Result<Json>& object : world.cluster.get_all(refs)) {
        if (!object.ok() && object.error().kind == ErrorKind::kNotFound) continue;
        if (!object.ok()) return object.error();
        TRY(may_take(world, kube::lease_of(*object), journal.operation, journal.space));
    }
    return {};
}

}  // namespace holdfast::plan
