// What the cluster shows of an expansion at one moment, and how far it has come. Read anew for every round, so that a
// first run and a resume decide by the same facts.
#pragma once

#include "common/core/duration.h"
#include "common/kube/reader.h"
#include "plugins/pvc-expand/record.h"
#include "plugins/pvc-expand/takers.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::expand {

struct ExpandState {
    std::map<std::string, Json> sets;    // those of the record that are there, by name
    std::map<std::string, Json> claims;  // of the namespace, by name; not those that are being deleted
    std::map<std::string, Json> going;   // and those that are
    std::vector<Json> pods;              // of the namespace
    // With kOffline: the workloads that are stopped, as far as they are there, by their text(); VolumeAttachments of
    // volumes of claims that grow, by name.
    std::map<std::string, Json> workloads;
    std::vector<std::string> attachments;
    std::vector<Taker> takers;  // see_takers()
    // Sets that are not there though the journal says that they are to be made anew, and which have left neither pods
    // nor revisions: it was their owner who deleted them.
    std::set<std::string> dismissed;
};
Result<ExpandState> gather_state(kube::ClusterReader& reader, const ExpandRecord& record);
// Before a set is deleted: who would take up what is of it. Reads nothing where none is to be deleted.
Status see_takers(kube::ClusterReader& reader, const ExpandRecord& record, ExpandState& state);

// What is decided from the cluster as it is now, and not from what it was when the operation began: all of the follow_…
// and add_newcomers().
void follow(ExpandRecord& record, const ExpandState& state);
// Claims that were made of a template since the plan, by an autoscaler's new replica, grow as well: added to the
// record, as soon as they are bound.
void add_newcomers(ExpandRecord& record, const ExpandState& state);
// Those that are not. Waited for last of all: what an unbound claim asks for cannot be changed.
std::vector<std::string> unbound_newcomers(const ExpandRecord& record, const ExpandState& state);
// Claims of the operation that somebody lets build anew meanwhile, and that have no volume yet: they cannot grow.
std::vector<std::string> unbound_rebuilt(const ExpandRecord& record, const ExpandState& state);

// A claim whose pod is gone and does not come back (its ordinal was scaled away) grows at its next mount: nobody waits
// for its filesystem any more.
void follow_mounts(ExpandRecord& record, const ExpandState& state);
// Claims of a set that is still to be replaced which belong to it and have no pod (any more): its controller never
// looks at them again. Added to Template::lent.
void follow_lent(ExpandRecord& record, const ExpandState& state);

// Each stage is a round of its own, of all workloads at once: what the next one decides it has read after this one's
// writes.
enum class Stage {
    // With kOffline, before the first and after the last claim has grown.
    kSecure,  // what the journal says stands on the claims too, which belong to no set; also before a set is replaced
    kStop,    // replicas down, the old number written beside them
    kDrain,   // pods and attachments gone
    kStart,   // replicas as they were
    kReady,   // and every pod ready

    kCanary,  // the first claims ask for more, and have it
    kGrow,    // the others
    kRestartCanary,
    kRestart,    // pods of volumes that have grown and of filesystems that have not start again
    kRelease,    // claims belong to no set: it can go and they stay
    kSwap,       // each set is deleted, its pods left, and made anew
    kAdopt,      // the new one has the pods; fields belong to whom they did
    kNewcomers,  // claims that were made of the old template meanwhile get their volumes, which then grow
    kClose,      // marks taken away
};
// waited: filesystems had their time to grow by themselves (Phase kNodes of the round before).
Stage stage_of(const ExpandRecord& record, const ExpandState& state, const std::string& operation,
               const std::vector<std::string>& waited = {});
// The phase in which filesystems are waited for, of the canaries and of the others.
inline constexpr char kNodes[] = "filesystems", kCanaryNodes[] = "filesystems of the canaries";

// A pod whose claims' volumes have grown, and whose filesystems need it to start again.
struct PodToRestart {
    const Json* pod = nullptr;
    std::vector<const Growth*> claims;
};
// In the order in which they are restarted: those first that serve nobody, from the lowest ordinal on (with
// OrderedReady the others come only then), then from the highest. Pods that
// nobody would make again are not among them.
bool comes_again(const Json& pod);  // its controller makes another in its place
std::vector<PodToRestart> pods_to_restart(const ExpandRecord& record, const ExpandState& state, bool canary);

// With kOffline. started: this run has brought the workloads back already: what is still to grow is waited for.
// nullopt: claims are asked and waited for, or nothing of it is left.
std::optional<Stage> offline_stage(const ExpandRecord& record, const ExpandState& state, const std::string& operation,
                                   bool started);
// The phase in which replicas are set again.
inline constexpr char kStarting[] = "start";
bool held_down(const ExpandRecord& record, const ExpandState& state);  // any workload, by this operation
bool woken(const ExpandRecord& record, const ExpandState& state);      // one that was held down was started by somebody
// Whether this claim carries what is told of its workload: the first one of it that is there.
bool bears(const ExpandRecord& record, const ExpandState& state, const Growth& growth);
// What the journal says stands on the claims.
bool marked(const ExpandRecord& record, const ExpandState& state, const std::string& operation);
// Of a workload that somebody has made anew under its name the pods are stopped and started all the same.
void follow_uids(ExpandRecord& record, const ExpandState& state);
// Nothing but the node's part is left to be done.
bool volume_grown(const Growth& growth, const ExpandState& state);

// When the newest of these objects was written, by the API server's clock; nullopt: they do not tell.
std::optional<SystemTime> newest_write(const ExpandState& state);

// Single questions.
const Json* set_now(const ExpandState& state, const Template& set);
bool asks_enough(const Growth& growth, const ExpandState& state);   // the claim's request
bool large_enough(const Growth& growth, const ExpandState& state);  // its capacity, or that waits for a mount
// Its volume has grown, and its filesystem waits for a mount.
bool needs_mount(const Growth& growth, const ExpandState& state);
// Made anew, by us or by somebody else: the templates have their sizes.
bool has_sizes(const Json& set, const kube::TemplateSizes& sizes);
bool remade_by(const Json& set, const std::string& operation);  // its field owners are still to be put back
// Its annotation holdfast.dev/retention was there before the operation, on a set that keeps its claims: of an operation
// that is long gone, or of a manifest that was taken in the middle of one. It says nothing of what the owner wants.
bool leftover_policy(const Template& set);
// Claims that name this set as an owner: of its templates, those that grow or not.
std::vector<std::string> owned_claims(const Template& set, const ExpandState& state);
std::vector<Json> pods_of(const Template& set, const ExpandState& state);  // by selector and name, not going
// Not there, and not by us: deleted by somebody else.
bool is_lost(const Template& set, const ExpandRecord& record, const ExpandState& state);
// A claim that was to grow, and that somebody has deleted: it is gone, or goes. Not one whose replica was scaled away:
// it may go with that. nullptr: none.
const Growth* deleted_claim(const ExpandRecord& record, const ExpandState& state);
// What is told of it, kConflict.
Error deleted_meanwhile(const Growth& growth, const ExpandRecord& record, const ExpandState& state,
                        const std::string& operation);
// Any claim asks for more than it did: from then on there is no way back.
bool begun(const ExpandRecord& record, const ExpandState& state);
// The operation has deleted a set, which is made anew with other sizes: no way back from there either.
bool replacing(const ExpandRecord& record, const ExpandState& state);
// Sets that it has deleted and that are not there, or are still going.
std::vector<const Template*> missing_sets(const ExpandRecord& record, const ExpandState& state);

}  // namespace holdfast::expand
