// Every name that Holdfast writes on objects, with its meaning. Labels can be selected by; what is long or structured
// goes into annotations.
#pragma once

namespace holdfast::labels {

inline constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";  // = "holdfast" on everything we create
inline constexpr char kManagedByValue[] = "holdfast";
inline constexpr char kSet[] = "holdfast.dev/set";              // snapshot set's name: set ConfigMap, snapshots
inline constexpr char kOperation[] = "holdfast.dev/operation";  // id of the operation that created the object
inline constexpr char kRole[] = "holdfast.dev/role";  // "journal", "set", "drill", "open", "consumer", "lock", "alive"

inline constexpr char kClaim[] = "holdfast.dev/claim";             // on snapshots: source claim
inline constexpr char kOrdinal[] = "holdfast.dev/ordinal";         // on snapshots: StatefulSet ordinal
inline constexpr char kWorkload[] = "holdfast.dev/workload";       // "StatefulSet/postgres"
inline constexpr char kRecord[] = "holdfast.dev/record";           // JSON: what the set recorded of this member
inline constexpr char kSetSummary[] = "holdfast.dev/set-summary";  // JSON: consistency, skew: to rebuild a lost set
inline constexpr char kVerified[] = "holdfast.dev/verified";  // JSON on a single snapshot: what its last drill found
inline constexpr char kSource[] = "holdfast.dev/source";      // on restored claims: "vs/NS/NAME uid=…"
// Swapping a claim's volume (restore in place, undo). On a PersistentVolume that was taken out and is kept: the
// operation that keeps it, and JSON that says of which claim it was, under which policy, since when and why.
inline constexpr char kKept[] = "holdfast.dev/kept";     // label
inline constexpr char kSwap[] = "holdfast.dev/swap";     // also on the volume that is put in, until the operation ends
inline constexpr char kPutIn[] = "holdfast.dev/put-in";  // label on that volume, until then: the operation
// On a claim that was made anew on a restored volume: "vs/NS/NAME uid=…". Not kSource, beside which a data source
// stands.
inline constexpr char kRestoredFrom[] = "holdfast.dev/restored-from";
// On the workload while an operation holds it down: what it was and is set back to.
inline constexpr char kReplicas[] = "holdfast.dev/replicas";    // "3"
inline constexpr char kRetention[] = "holdfast.dev/retention";  // "Delete/Retain": whenDeleted/whenScaled

// Clones (kubectl clone). On everything that a clone keeps: its name (label), the command's target that it is a copy
// of, when it was to be given up (RFC 3339), and under which plural and name it was made: a copy of the object has
// another.
inline constexpr char kClone[] = "holdfast.dev/clone";             // label
inline constexpr char kClonedFrom[] = "holdfast.dev/cloned-from";  // "pvc/NS/NAME uid=…"
inline constexpr char kCutAt[] = "holdfast.dev/cut-at";            // on cloned claims: the moment of the data, RFC 3339
inline constexpr char kExpires[] = "holdfast.dev/expires";
inline constexpr char kSecrets[] = "holdfast.dev/secrets";    // on a cloned workload: Secrets that were copied for it
inline constexpr char kPrepared[] = "holdfast.dev/prepared";  // on cloned claims: what was done to the data, "masked"
inline constexpr char kMadeAs[] = "holdfast.dev/made-as";     // "persistentvolumeclaims/data-copy"

// Growing claims (pvc-expand). On the first claim of each workload while the operation is unfinished: its id, and JSON
// of what the journal says of that workload. On a StatefulSet that was made anew, until its field owners are put back.
inline constexpr char kExpanding[] = "holdfast.dev/expanding";  // label
inline constexpr char kExpand[] = "holdfast.dev/expand";
inline constexpr char kRemade[] = "holdfast.dev/remade";  // the operation

inline constexpr char kHost[] = "holdfast.dev/host";      // on Leases: the machine of the holder, for messages
inline constexpr char kPlugin[] = "holdfast.dev/plugin";  // on Leases: "restore": whose resume goes on
inline constexpr char kEpoch[] =
    "holdfast.dev/epoch";  // on an operation's targets: "OPERATION/EPOCH", after a takeover

}  // namespace holdfast::labels
