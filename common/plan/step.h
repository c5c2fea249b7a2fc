// The vocabulary of every plan: API verbs, not domain verbs. A plan is a value: built by pure code, printed, confirmed,
// kept in the journal, then executed once by the one executor.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/cluster.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::plan {

// Creates one object under a deterministic name. The executor adds the operation's label; if the name is taken, the
// object there counts as ours only if it carries this operation's id, else the step fails with kLocked (exit 4).
struct Create {
    Json manifest;
    // Paths (JSON pointers) that the answer and a fresh read must still hold as they were sent: an API server drops a
    // data source that it does not know, and an empty volume would bind.
    std::vector<std::string> must_survive;
    // A claim that is made again for its owner: as it stands, without labels of ours, and whoever made it first made
    // it well: who binds it to what is judged by the wait that follows (WaitFor::bound_to). abort never removes it.
    bool anybodys = false;
    // What was deleted to be made anew: a refusal by quota or webhook is no reason to leave it out, so it is tried
    // again every second for as long as a wait may last.
    bool insists = false;
    // Of a rehearsal: it is tried beside the object that is deleted before it. That a quota on the number of such
    // objects has no room for both is then no refusal.
    bool beside = false;
};
struct Patch {
    kube::ObjectRef ref;
    kube::PatchType type = kube::PatchType::kMerge;
    Json body;
    kube::Preconditions preconditions;
    std::string subresource;
};
// Deletes and, with `wait`, waits until the object is gone. Already gone counts as done.
struct Delete {
    kube::ObjectRef ref;
    kube::Preconditions preconditions;
    kube::Propagation propagation = kube::Propagation::kBackground;
    bool wait = true;
    // A pod: by eviction, which PodDisruptionBudgets may hold up. Asked again until they allow it, as long as a wait
    // may last; kTimeout names the budget's refusal.
    bool evict = false;
    // Where no uid is given, since it is not known when the plan is made: the operation whose label the object must
    // carry; "" : the one that deletes it. What carries another is somebody else's: kConflict.
    std::string made_by = {};
};
// With `from` or `annotations` the workload itself is patched, both in one write that names what was read. A number
// other than `from` that somebody else has set meanwhile wins, and only the annotations change; with edit_wins=false it
// is kConflict.
struct Scale {
    kube::ObjectRef ref;
    int replicas = 0;
    kube::Preconditions preconditions;
    std::optional<int> from = std::nullopt;
    Json annotations = nullptr;  // merged; null values take away; null: none

    bool edit_wins = true;
    bool of_workload() const { return from.has_value() || !annotations.is_null(); }
};

// What a wait waits for. Each is judged by a pure function in observe.h.
enum class Condition {
    kSnapshotCut,    // creationTime is set and the content is bound both ways
    kSnapshotReady,  // readyToUse, content bound both ways
    kClaimBound,     // phase Bound
    kPodReady,       // every container is ready
    kPodRunning,     // every container has started
    kPodStarted,     // that, or it has ended well already
    kPodSucceeded,   // phase Succeeded; Failed is an error
    kExists,
    kGone,
    kContentBound,     // a VolumeSnapshotContent's status has its handle
    kResized,          // status.capacity has reached the size, WaitFor::sizes or the request
    kGrown,            // that, or only the node's part is left, which the next mount does
    kAdopted,          // its controller is WaitFor::owner
    kVolumeAvailable,  // a PersistentVolume's phase: its reservation has been seen by the binder (safety R9)
    kVolumeReleased,
    kUnowned,     // no ownerReferences
    kObserved,    // the controller has seen the latest spec
    kNoReplicas,  // that, and status.replicas is 0
    kAllReady,    // that, and as many are ready as spec.replicas asks for
};
struct WaitFor {
    kube::Resource resource;
    std::string space;
    std::vector<std::string> names;  // all of one resource and namespace: one watch serves them
    Condition condition = Condition::kExists;
    std::string selector;  // labels that narrow the watch when there are several names; "" : the whole collection
    // With kClaimBound: the volume that each claim must be bound to, by the order of names; another one is kConflict.
    std::vector<std::string> bound_to = {};
    // The uids of those that are meant, by the order of names: whoever has the name afterwards is somebody else.
    std::vector<std::string> uids = {};
    // With kResized and kGrown: how large each claim must be, by the order of names.
    std::vector<std::string> sizes = {};
    std::string owner = {};  // uid, with kAdopted
    // With kObserved, kNoReplicas and kAllReady: the metadata.generation that was seen last. A list that an API server
    // answers from an older state shows a workload as it was before it was stopped: all ready.
    long long generation = 0;
};

// A command in a container, by the user's kubectl. argv is run as it is; a user's CMD becomes {"sh", "-c", CMD}.
struct Exec {
    std::string space, pod, container, pod_uid;
    std::vector<std::string> argv;
    // Held: started here, goes on while later steps run, ended (stdin closed, then stopped) by the step named
    // release_of or at its end. It is up when it prints a line: one that prints none within hold_grace has failed.
    bool hold = false;
    std::string release_of;  // id of the holding step that this one ends; argv is then empty
    std::chrono::milliseconds hold_grace{1000};
    bool rerunnable = true;             // whether a resume may run it again
    std::string output;                 // its stdout becomes this output, "" : dropped
    std::optional<std::string> expect;  // stdout without its last newline must be this, else kMismatch
    bool secret_output = false;
};

// One statement over a port-forward to a throwaway database, by libpq.
struct Sql {
    std::string space, pod, container;
    int port = 5432;
    std::string database, user;
    std::string statement;
    // May change data, and takes as long as it takes; else its transactions are read-only. What the server says of an
    // error is then told without its detail, which may hold a row's values.
    bool writes = false;
    bool rerunnable = true;
    std::string output;                 // what `psql -qtAX` would print becomes this output
    std::optional<std::string> expect;  // else kMismatch
};

// Copies data between volumes by the mover. No command makes one before the mover exists.
struct Copy {
    kube::ObjectRef source, target;
};

using Action = std::variant<Create, Patch, Delete, Scale, WaitFor, Exec, Sql, Copy>;

enum class Risk { kNone, kRestartsPods, kStopsWrites, kFinal };  // kFinal: cannot be taken back

struct Step {
    std::string id;                  // stable within the operation: "create-vs-0"
    std::string title;               // "create vs/bookstore/before-migration-0"
    std::string reason;              // why, in a few words; may be empty
    std::vector<std::string> after;  // ids of steps that must have ended well before
    Action action;
    // The cluster that it acts on. What is made there is no abort's that knows only the journal: an operation with such
    // steps has a take_back() of its own.
    kube::Site site = kube::Site::kHere;
    std::string phase;  // steps of one phase are timed together: "restore volumes"; may be empty
    Risk risk = Risk::kNone;
    std::string risk_text;  // "restarts postgres-0"; empty: by risk
    bool point_of_no_return = false;
    // Runs even when steps before it failed (a post hook, a release), once any step in `after` has been attempted.
    bool always = false;
    // Its failure is told and the operation goes on: facts that are good to have. Never for a step that protects data.
    bool optional = false;
    // A patch that may be sent beside others: those of one site that are marked so and ready go out together.
    bool together = false;
    // Somebody changed the object since it was read: the next round reads again and decides anew (Outcome::replan).
    bool replan = false;
    std::chrono::milliseconds pause{0};  // before it begins
    std::chrono::milliseconds limit{0};  // without progress; 0: the command's --timeout
    std::optional<Action> undo;          // what takes this step back if the operation fails or is aborted
};

struct Plan {
    std::string operation;  // "snap-postgres-7k2m"
    int round = 0;
    std::vector<Step> steps;
    std::vector<std::string> notes;  // facts the user must know: consistency, writes lost, what is excluded
    std::vector<std::string> later;  // what later rounds will decide, and by which rule
    bool asks = false;               // deletes, stops or cannot take back: needs a yes
    bool asks_anew = false;          // that, although an earlier run was said yes to: it does something else now
    bool last = true;                // no further round follows
    // What later rounds and a recovery will need: asked for before the first write.
    std::vector<kube::AccessCheck> later_needs;
    // What the cluster cannot say any more once the steps have run: whole manifests of what is deleted, replicas,
    // reclaim and retention policies (safety R6). Written to the journal before the round's first write; a later
    // round's keys are added, and a key that is there already keeps its first value. An object, or null.
    Json record;
    // The same, but a later value takes the place of an earlier one: what was read just before a delete.
    Json latest;
    // Tried with dryRun=All before the first write of the operation: what the API server would refuse half-way it
    // refuses here, before any change. Each by itself, in no order.
    std::vector<Step> rehearsal;
    // A workload is held down from here on (safety R13): a second signal counts as the first until service is back.
    bool shielded = false;
    // Of an abort: waited for when the operation has ended, whose end they must not hold up. What fails of them is
    // told.
    std::vector<Step> awaited;
    // Of a recovery: what holds as long as it has not been carried out; "" : the workload is held down.
    std::string left_down;
    // Of a recovery: told in place of the error that led to it, now that more is known.
    std::optional<Error> instead;
};

// What the plan's steps need: feeds the access review before the first write. Pure. Watching and reading what a step
// waits for is included.
std::vector<kube::AccessCheck> permissions(const Plan& plan);

Json to_json(const Plan& plan);

}  // namespace holdfast::plan
