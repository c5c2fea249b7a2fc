#include "common/kube/objects/workload.h"
#include "tests/crash/plugins.h"
#include "tests/crash/state.h"
#include "tests/sim/api.h"

namespace holdfast::crash {
namespace {

CommandLine restore(std::vector<std::string> words) { return {"restore", std::move(words)}; }

CommandLine drill() { return restore({"drill", "before", "--query", "select 42", "--expect", "42", "--ordinal", "0"}); }

CommandLine in_place() { return restore({"sts/postgres", "--from", "before", "--in-place", "--accept-skew", "--yes"}); }

CommandLine in_place_of(const std::string& target, const std::string& set, std::vector<std::string> more) {
    more.insert(more.begin(), {target, "--from", set, "--in-place", "--yes"});
    return restore(std::move(more));
}

const std::vector<std::string> kImage = {"--image", "registry.example/postgres:15"};

// A claim that no pod mounts, and a set of it.
void make_loose(sim::Sim& sim) {
    make_set(sim);
    must_run(sim, restore({"pvc/loose", "--from", "before", "--claim", "data-postgres-0"}));
    must_run(sim, {"snap", {"create", "pvc/loose", "--name", "loose", "--wait", "ready"}});
}

// A drill that was killed when it was about to ask its databases: everything of it is there.
void leave_drill(sim::Sim& sim) {
    make_set(sim);
    kill_at(sim, drill(), sim::Verb::kSql);
}

void swap_volumes(sim::Sim& sim) {
    make_set(sim);
    must_run(sim, in_place());
}

// Killed when every volume was marked, before anything was stopped.
void leave_marked(sim::Sim& sim) {
    make_set(sim);
    kill_at(sim, in_place(), sim::Verb::kDelete);
}

bool deletes_own_claim(const sim::Call& call) {
    const bool own = call.ref.name.starts_with("data-postgres-") || call.ref.name.starts_with("wal-postgres-");
    return own && call.verb == sim::Verb::kDelete && call.ref.resource == kube::kClaims;
}

// Killed with the volumes reserved and the database down, before the point of no return.
void leave_reserved(sim::Sim& sim) {
    make_set(sim);
    kill_at(sim, in_place(), deletes_own_claim);
}

// An abort that was killed when it had given up the first of the new volumes: whoever types the restore again wants it.
void leave_half_back(sim::Sim& sim) {
    leave_marked(sim);
    kill_at(sim, on_operation("restore", "abort")(sim), [patches = 0](const sim::Call& call) mutable {
        return call.verb == sim::Verb::kPatch && call.ref.resource == kube::kVolumes && ++patches == 2;
    });
}

// And then the databases wrote on, and somebody deleted the set: the new volumes are all that is left of it.
void leave_last_copy(sim::Sim& sim) {
    leave_marked(sim);
    for (const char* pod : {"postgres-0", "postgres-1"})
        (void)sim::api_remove(sim, {kube::kPods, kSpace, pod}, {}, kube::Propagation::kBackground, kube::DryRun::kNone);
    sim.advance(sim::milliseconds(120000));
    must_run(sim, {"snap", {"delete", "before", "--force", "--yes"}});
}

void leave_undo_reserved(sim::Sim& sim) {
    swap_volumes(sim);
    kill_at(sim, on_operation("restore", "undo")(sim), deletes_own_claim);
}

void swap_files(sim::Sim& sim) {
    make_set(sim);
    must_run(sim, in_place_of("deploy/files", "papers", {}));
}

void edit(sim::Sim& sim, const kube::ObjectRef& ref, const Json& patch) {
    (void)sim::api_patch(sim, ref, kube::PatchType::kMerge, patch, {}, kube::DryRun::kNone, "");
    (void)sim.settle(sim::milliseconds(600000));
}

// Its claims go with the StatefulSet, and with ordinals that are scaled away.
void make_owned(sim::Sim& sim) {
    make_set(sim);
    edit(sim, {kube::kStatefulSets, kSpace, "postgres"},
         {{"spec", {{"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Delete"}, {"whenScaled", "Delete"}}}}}});
}

// Somebody has looked at the kept volumes: their claims' uids are off, and any claim may be bound to them.
void free_kept(sim::Sim& sim) {
    swap_volumes(sim);
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        if (kube::text_at(*volume, "/status/phase") == "Released")
            edit(sim, volume.ref(), {{"spec", {{"claimRef", {{"uid", nullptr}, {"resourceVersion", nullptr}}}}}});
    }
}

// Bad input 50: killed when every volume was marked, and then somebody deleted the journal.
void lose_journal(sim::Sim& sim) {
    leave_marked(sim);
    sim.store.erase({kube::kConfigMaps, kSpace, "holdfast-op-" + open_operations(sim).front()});
}

}  // namespace

std::vector<Entry> restore_entries() {
    return {
        {"restore-pvc", "restore", "pvc", make_set,
         always(restore({"pvc/data-copy", "--from", "before", "--claim", "data-postgres-0"})), kThrowaways},
        {"restore-pvc-consumer", "restore", "pvc", make_set,
         always(restore({"pvc/files-copy", "--from", "papers", "--storage-class", "later"})), kThrowaways},
        {"restore-drill", "restore", "drill", make_set, always(drill()), kThrowaways, 0, nullptr, 1, true},
        {"restore-drill-exec", "restore", "drill", make_set, always(restore({"drill", "papers", "--exec", "true"})),
         kThrowaways, 0, nullptr, 1, true},
        {"restore-open", "restore", "open", make_set, always(restore({"open", "before", "--ordinal", "0"})),
         kThrowaways, 0, nullptr, 1},
        {"restore-in-place", "restore", "in-place", make_set, always(in_place()), kAll, 0, nullptr, 8},
        {"restore-in-place-one", "restore", "in-place", make_set,
         always(in_place_of("sts/postgres", "before", {"--accept-skew", "--ordinal", "1"})), kAll, 0, nullptr, 12,
         false, Deletes::kNothing, 12, nullptr, 3},
        {"restore-in-place-deploy", "restore", "in-place", make_set, always(in_place_of("deploy/files", "papers", {})),
         kAll, 0, nullptr, 12, false, Deletes::kNothing, 12,
         always(in_place_of("deploy/files", "papers", {"--accept-skew"})), 3},
        {"restore-in-place-claim", "restore", "in-place", make_loose, always(in_place_of("pvc/loose", "loose", kImage)),
         kAll, 0, nullptr, 12, false, Deletes::kNothing, 12,
         always(in_place_of("pvc/loose", "loose", {"--image", "registry.example/postgres:16"})), 3},
        {"restore-in-place-lost", "restore", "in-place", lose_journal, always(in_place()), kForward, 0, nullptr, 12,
         false, Deletes::kNothing, 8, nullptr, 3},
        {"restore-in-place-back", "restore", "in-place", leave_marked, on_operation("restore", "abort"), kAgain,
         kNothingLeft, nullptr, 12, false, Deletes::kNothing, 8, always(in_place()), 3},
        {"restore-in-place-last-copy", "restore", "in-place", leave_last_copy, on_operation("restore", "abort"), kAgain,
         kNothingLeft, nullptr, 12, false, Deletes::kNothing, 8, always(in_place()), 3},
        {"restore-in-place-down", "restore", "in-place", leave_reserved, on_operation("restore", "abort"), kAgain,
         kNothingLeft, nullptr, 12, false, Deletes::kKeptVolumes, 8, always(in_place()), 3},
        {"restore-in-place-again", "restore", "in-place", leave_half_back, always(in_place()), kForward, 0, nullptr, 24,
         false, Deletes::kKeptVolumes, 12, nullptr, 6},
        {"restore-in-place-owned", "restore", "in-place", make_owned, always(in_place()), kAll, 0, nullptr, 24, false,
         Deletes::kNothing, 12, nullptr, 6},
        {"restore-undo", "restore", "undo", swap_volumes, on_operation("restore", "undo"), kAll, 0, nullptr, 8},
        {"restore-undo-deploy", "restore", "undo", swap_files, on_operation("restore", "undo"), kAll, 0, nullptr, 12,
         false, Deletes::kNothing, 12, always(in_place_of("deploy/files", "papers", {"--accept-skew"})), 3},
        {"restore-undo-down", "restore", "undo", leave_undo_reserved, on_operation("restore", "abort"), kAgain,
         kNothingLeft, nullptr, 12, false, Deletes::kKeptVolumes, 8, always(in_place()), 3},
        {"restore-finalize", "restore", "finalize", swap_volumes, on_operation("restore", "finalize"), kAgain,
         kNothingLeft, nullptr, 1, false, Deletes::kKeptVolumes},
        {"restore-finalize-free", "restore", "finalize", free_kept, on_operation("restore", "finalize"), kAgain,
         kNothingLeft, nullptr, 1, false, Deletes::kKeptVolumes},
    };
}

std::vector<Entry> common_entries() {
    return {
        {"gc", "", "gc", leave_drill, always(restore({"gc", "--yes"})), kAgain},
        {"abort", "", "abort", leave_drill, on_operation("restore", "abort"), kAgain, kNothingLeft, nullptr, 1},
        {"resume", "", "resume", leave_drill, on_operation("restore", "resume"), kAgain, kNothingLeft,
         on_operation("restore", "abort"), 1},
    };
}

}  // namespace holdfast::crash
