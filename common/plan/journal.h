// The record of one operation: a ConfigMap holdfast-op-ID. Whoever finds it knows what was going to be done, by which
// command line, and how to go on. Format (key "journal.json"):
//
//   format          2; a higher one is refused: a newer Holdfast wrote it. 1, of the version before, is read too
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
#pragma once

#include "common/core/duration.h"
#include "common/kube/cluster.h"
#include "common/plan/lock.h"
#include "common/plan/step.h"

#include <string>
#include <vector>

namespace holdfast::plan {

inline constexpr int kJournalFormat = 2;

struct Journal {
    std::string operation, kind, target, space;
    std::string plugin, command;  // "snap", "create"
    Json arguments;               // {"positionals": [...], "values": {...}}: no connection flags, no secrets
    std::string argument_hash;
    SystemTime started;
    std::string state = "open";  // open | stopped | done
    std::string message;         // of the last stop
    int round = 0;
    int epoch = 0;
    std::string owner, host;            // see os/process_identity.h
    SystemTime touched;                 // when the owner last wrote it
    std::vector<Lock> locks;            // what it holds while it is worked on
    std::string version;                // of the binary that wrote it
    Json rounds = Json::array();        // brief form of each round's plan, see brief()
    Json record = Json::object();       // what the cluster cannot say later: see Plan::record
    std::string uid, resource_version;  // of the ConfigMap
};

std::string journal_name(const std::string& operation);
Json journal_to_config_map(const Journal& journal);
// kInvalid: damaged or not ours; kRefused: written by a newer Holdfast, the hint says to upgrade; or edited since it
// was written, the message names the fields.
Result<Journal> journal_from_config_map(const Json& config_map);
// The uid and the version under which it lies there, which later writes are conditional on.
void take_versions(Journal& journal, const Json& config_map);

// Ids, titles, verbs and objects of a plan: what status shows and abort takes back. Manifests are not repeated: a set
// of a thousand claims must fit into one ConfigMap.
Json brief(const Plan& plan);
// The objects that the rounds of a journal create, first to last, each once.
std::vector<kube::ObjectRef> created_objects(const Journal& journal);
// Every object that its steps write to, each once.
std::vector<kube::ObjectRef> written_objects(const Journal& journal);

// kUsage: not an operation id (it becomes part of an object's name).
Status check_operation_id(const std::string& operation);

Status write_new(kube::Cluster& cluster, Journal& journal);     // kAlreadyExists
Status write_change(kube::Cluster& cluster, Journal& journal);  // compare-and-swap; kConflict: another process wrote
Status erase(kube::Cluster& cluster, const Journal& journal);   // ours only; gone already is fine

Result<Journal> read_journal(kube::ClusterReader& reader, const std::string& space, const std::string& operation);
// All of a namespace ("" : every namespace). Damaged ones are skipped and named in `damaged`.
Result<std::vector<Journal>> list_journals(kube::ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& damaged);

}  // namespace holdfast::plan
