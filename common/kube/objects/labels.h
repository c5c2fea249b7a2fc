// Every name that Holdfast writes on objects, with its meaning. Labels can be selected by; what is long or structured
// goes into annotations.
#pragma once

namespace holdfast::labels {

inline constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";  // = "holdfast" on everything we create
inline constexpr char kManagedByValue[] = "holdfast";
inline constexpr char kSet[] = "holdfast.dev/set";              // snapshot set's name: set ConfigMap, snapshots
inline constexpr char kOperation[] = "holdfast.dev/operation";  // id of the operation that created the object
inline constexpr char kRole[] = "holdfast.dev/role";            // "journal", "set", "drill", "open", "consumer"

inline constexpr char kClaim[] = "holdfast.dev/claim";             // on snapshots: source claim
inline constexpr char kOrdinal[] = "holdfast.dev/ordinal";         // on snapshots: StatefulSet ordinal
inline constexpr char kWorkload[] = "holdfast.dev/workload";       // "StatefulSet/postgres"
inline constexpr char kRecord[] = "holdfast.dev/record";           // JSON: what the set recorded of this member
inline constexpr char kSetSummary[] = "holdfast.dev/set-summary";  // JSON: consistency, skew: to rebuild a lost set
inline constexpr char kVerified[] = "holdfast.dev/verified";  // JSON on a single snapshot: what its last drill found
inline constexpr char kSource[] = "holdfast.dev/source";      // on restored claims: "vs/NS/NAME uid=…"

}  // namespace holdfast::labels
