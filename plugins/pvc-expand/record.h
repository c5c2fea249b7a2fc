// What growing claims needs to know: how large each was and will be, and of each StatefulSet all that it is made anew
// from. Decided once, before the first write, and kept in the journal (safety R6, R28): a relative wish is an absolute
// size from then on, also for a rerun. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/resource.h"
#include "common/plan/hold_down.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::expand {

// One claim that grows. Those that are large enough already are not among them.
struct Growth {
    std::string claim, uid;
    std::string workload;        // name of the StatefulSet whose template it is of; "" : none
    std::string claim_template;  // "" : none
    int ordinal = -1;            // -1: none
    std::string from, to;        // storage request before and after, as written
    bool mounted = true;         // a pod has it, so that its filesystem grows now; else at the next mount
    bool canary = false;         // grows before the others
    bool bears_only = false;     // it is large enough, and only carries what is told of its workload
    friend bool operator==(const Growth&, const Growth&) = default;
};

// One StatefulSet whose templates get other sizes.
struct Template {
    kube::ObjectRef ref;
    std::string uid;
    Json manifest;                  // as it was at the start, whole
    kube::TemplateSizes sizes;      // of the templates that change
    std::string update_revision;    // "" : not known
    std::vector<std::string> lent;  // claims without a pod that the set owned: they get the new one as their owner

    std::string text() const { return ref.text(); }
};

// What may be done to pods for the sake of their volumes.
enum class Restart {
    kNever,
    kIfNeeded,  // a pod whose filesystem does not grow while it is mounted is evicted, one at a time
    kOffline,  // all pods of the workload are stopped until its volumes have grown: for drivers that grow no other ones
};
std::string restart_name(Restart restart);  // "never", "if-needed", "offline"
std::optional<Restart> restart_from(const std::string& name);

struct ExpandRecord {
    std::string space;
    Restart restart = Restart::kNever;
    // How long filesystems may take by themselves before a pod is restarted. Of the command line, not of the journal.
    std::chrono::milliseconds patience{120000};
    std::vector<Growth> claims;
    std::vector<Template> sets;
    std::vector<plan::HeldWorkload> stopped;  // with kOffline: those whose pods mount claims that grow
    std::string at;                           // when the operation began, RFC 3339
    Json line;                                // plan::Input::line and the operation's kind
    // Of a journal that was made again: sets that are not there, and the claim that tells of each.
    std::map<std::string, std::string> told_by;
    int untold = 0;  // of a journal that was made again: workloads that no claim tells of
    // What was posted, or is going to be, in place of each set: the live object as it was read just before its
    // deletion, and the pods of then. Of a later round (Plan::latest). By name.
    std::map<std::string, Json> swapped;
    // What each of `stopped` was at when this operation stopped it, by its text(); also of a later round.
    std::map<std::string, int> held;
};

// The journal's form: keys "claims", "sets", "stopped" (if any), "at", "line"; "held" is added before workloads are
// stopped, "swapped" before the deletes.
// kInvalid: damaged.
Json record_json(const ExpandRecord& record);
Result<ExpandRecord> record_of(const Json& json, const std::string& space);

// The one key of all of them, so that a large one goes into a shard of the journal.
inline constexpr char kSwapped[] = "swapped";
inline constexpr char kHeld[] = "held";
inline constexpr char kLent[] = "lent";  // by set: Template::lent as it is before its claims are let go
// One of them: the live object with managedFields, and uid and restarts of its pods.
Json swapped_json(const Json& live, const std::vector<Json>& pods);

struct PodBefore {
    std::string uid;
    long long restarts = 0;
};
std::map<std::string, PodBefore> pods_before(const Json& swapped);
const Json& set_before(const Json& swapped);

// What the annotation holdfast.dev/expand says on the first claim of a workload ("" : of claims that are of none): the
// journal's words about it, so that a lost journal can be made again.
Json trace_json(const ExpandRecord& record, const std::string& workload, const std::string& operation);
// That as text; "" : it is too long for an annotation (all of an object's together may have 256 KiB), also without the
// copy of the manifest that kubectl apply keeps.
std::string trace_text(const ExpandRecord& record, const std::string& workload, const std::string& operation);
// The first claim of each workload: it carries the trace.
bool carries_trace(const ExpandRecord& record, const Growth& growth);

}  // namespace holdfast::expand
