// The record of one operation: a ConfigMap holdfast-op-ID. Whoever finds it knows what was going to be done, by which
// command line, and how to go on. Format (key "journal.json"):
//
//   format          2, or 3 if parts of it stand in shards; a higher one is refused: a newer Holdfast wrote it. 1, of
//                   the version before, is read too
//   operation, kind, target, plugin, command, arguments, argument_hash
//   started, state, round, rounds (each plan's steps: id, title, verb, object)
//   state           "open"; "stopped": its owner let it go; "done": kept as a record (safety R5)
//   record          what the cluster cannot say later: whole manifests, replicas, policies
//   locks           the workloads that it locks, with their uids (lock.h); empty for what only adds objects
//   owner, host     boot id, pid namespace, pid and start time of the process that works on it; its machine
//   touched         when the owner last wrote this, by its clock
//   epoch           0; raised by each takeover (safety R3, takeover.h)
//
// Beside it, key "sums.json": a hash of each field. A field that was edited by hand is found and named, since what is
// taken back or gone on with is decided from it.
//
// One that does not fit into a ConfigMap has its large parts in shards holdfast-op-ID.HASH (journal_shards.h). Whose
// shard, or whose journal, is lost can be made again where the objects themselves tell what it said (Rebuild).
#pragma once

#include "common/core/duration.h"
#include "common/kube/cluster.h"
#include "common/plan/lock.h"
#include "common/plan/step.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::plan {

inline constexpr int kJournalFormat = 3;       // the highest that is understood
inline constexpr int kJournalFormatInOne = 2;  // of one without shards

inline constexpr char kJournalEdited[] = "JournalEdited";  // Error::reason

struct Journal {
    std::string operation, kind, target, space;
    std::string plugin, command;  // "snap", "create"
    Json arguments;               // {"positionals": [...], "values": {...}}: no connection flags, no secrets
    std::string argument_hash;
    SystemTime started;
    std::string state = "open";  // open | stopped | done; of one that is not read: damaged | unreadable
    std::string message;         // of the last stop
    int round = 0;
    int epoch = 0;
    std::string owner, host;            // see os/process_identity.h
    SystemTime touched;                 // when the owner last wrote it
    std::vector<Lock> locks;            // what it holds while it is worked on
    std::string version;                // of the binary that wrote it
    Json rounds = Json::array();        // brief form of each round's plan, see brief()
    Json record = Json::object();       // what the cluster cannot say later: see Plan::record
    std::string uid, resource_version;  // of the ConfigMap; "" : it is not there (yet, or any more)
    std::set<std::string> shards;       // hashes of those that are known to be there
    std::vector<std::string> lost;      // parts that could not be read, since their shard is gone: "record/swaps"
};

// What an operation is on, for people: its target's name, or the selector that chose what it is on.
std::string target_text(const Journal& journal);
std::string journal_name(const std::string& operation);
std::string shard_name(const std::string& operation, const std::string& hash);
struct JournalObjects {
    Json head;
    std::map<std::string, Json> shards;  // by hash; they have no owner yet
};
JournalObjects journal_objects(const Journal& journal);
Json journal_to_config_map(const Journal& journal);  // the head alone
// kInvalid: damaged or not ours; kRefused: written by a newer Holdfast, the hint says to upgrade; or edited since it
// was written, the message names the fields and the reason is kJournalEdited.
// `shards` is asked for the texts of those that the head names, most name none. One that is missing in its answer is
// told of in Journal::lost and is no error yet.
using ShardReader = std::function<Result<std::map<std::string, std::string>>(const std::vector<std::string>& hashes)>;
Result<Journal> journal_from_config_map(const Json& config_map, const ShardReader& shards = {});
// The uid and the version under which it lies there, which later writes are conditional on.
void take_versions(Journal& journal, const Json& config_map);

// Ids, titles, verbs and objects of a plan: what status shows and abort takes back. Manifests are not repeated: a set
// of a thousand claims must fit into one ConfigMap.
Json brief(const Plan& plan);
// The objects that the rounds of a journal create in one of the clusters, first to last, each once.
std::vector<kube::ObjectRef> created_objects(const Journal& journal, kube::Site site = kube::Site::kHere);
// Every object that its steps write to in the cluster where the journal lies, each once.
std::vector<kube::ObjectRef> written_objects(const Journal& journal);

// For an operation that makes objects in a second cluster too: what stands there under the journal's name, so that
// status, gc, resume and abort there say where the journal is and leave alone what the operation made. Whoever reads it
// as a journal gets kRefused.
struct Signpost {
    std::string operation, plugin, space;  // the namespace of the journal
    std::string server, context;           // of the cluster where the journal is; context "" : none
};
Json signpost_manifest(const Signpost& signpost, const std::string& space);

// One step of brief()'s form: for a journal that is made again from what objects tell.
Json brief_step(const char* verb, const kube::ObjectRef& ref);
// Its names can be pasted into a shell: plugin, command and id may have been read from an annotation.
bool has_sound_names(const Journal& journal);

// kUsage: not an operation id (it becomes part of an object's name).
Status check_operation_id(const std::string& operation);

// Shards go first and the head after them, which decides. A new journal with shards is first written without what
// stands in them: killed in between, it says that nothing was planned yet, and nothing was.
Status write_new(kube::Cluster& cluster, Journal& journal);     // kAlreadyExists
Status write_change(kube::Cluster& cluster, Journal& journal);  // compare-and-swap; kConflict: another owner wrote
Status erase(kube::Cluster& cluster, const Journal& journal);   // ours only; gone already is fine; shards follow it

// With lost parts it is a journal that cannot be gone on with as it is: see whole().
Result<Journal> read_journal(kube::ClusterReader& reader, const std::string& space, const std::string& operation);
// All of a namespace ("" : every namespace). Damaged ones are skipped and named in `damaged`.
Result<std::vector<Journal>> list_journals(kube::ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& damaged);

// Unfinished operations of a namespace ("" : of every one) as the objects that they touched tell of them: journals made
// again, without uid. Empty function: nothing tells.
using Rebuild = std::function<Result<std::vector<Journal>>(kube::ClusterReader& reader, const std::string& space)>;
// The journal as it is, or made again if it or parts of it are gone. kNotFound, kInvalid: it is, and nothing tells. Of
// one that is damaged or edited the hint says whether anything does.
Result<Journal> read_or_rebuild(kube::ClusterReader& reader, const std::string& space, const std::string& operation,
                                const Rebuild& rebuild);
// The same for all of a namespace: those that lack parts are made whole, lost ones are added. One that stays without
// its parts is named in `damaged`. Unfinished operations that objects tell of, but whose journal list_journals() could
// not read, come into `unread`, as the objects tell them: state "damaged" if the journal is worth nothing any more,
// else "unreadable"; message: what is to be done.
Status rebuild_lost(kube::ClusterReader& reader, const std::string& space, const Rebuild& rebuild,
                    std::vector<Journal>& journals, std::vector<std::string>& damaged, std::vector<Journal>& unread);
// Whether this line of list_journals()'s `damaged` is about the journal of that operation.
bool names_journal(const std::string& line, const Journal& journal);

}  // namespace holdfast::plan
