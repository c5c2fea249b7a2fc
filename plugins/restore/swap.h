// What swapping volumes under claims needs to know: which claims of which workload, what they and it were like at the
// start, and which volumes come in. It is planned once and kept in the journal (safety R6): after the first delete
// there is no live object left to read it from. Restore in place and undo share it. Pure.
#pragma once

#include "common/core/duration.h"
#include "common/core/json.h"
#include "common/core/quantity.h"
#include "common/core/result.h"
#include "common/kube/resource.h"
#include "common/plan/hold_down.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

// One claim whose volume is taken out and another put in.
struct Swap {
    std::string claim;  // the name that stays
    int ordinal = -1;   // -1: none
    std::string claim_uid;
    Json manifest;  // the claim as it was, whole
    std::string old_volume, old_volume_uid;
    std::string old_policy;  // the reclaim policy that its owner had chosen: the new volume gets it at the end
    std::string
        old_storage;  // driver and handle of it: what is left to find the data by when the volume object is gone
    long long old_bytes = 0;
    std::string request;       // what the claim that is made anew asks for (safety R9)
    std::string temporary;     // the claim that the new volume is made with; "" if the volume is there already (undo)
    std::string source;        // annotation holdfast.dev/restored-from of the new claim
    std::string kept_mark;     // of an undo: what the incoming volume said before, for the way back
    std::string kept_storage;  // of an undo: the incoming volume's driver and handle, as old_storage
};

// The volume that comes in. Known once the temporary claim is bound.
struct Incoming {
    std::string volume, volume_uid;
    std::string temporary_uid;  // of the temporary claim; for undo: of the claim that the volume was taken from
};

using Workload = plan::HeldWorkload;

struct SwapRecord {
    std::string space;
    Workload workload;
    std::vector<Swap> swaps;
    std::string from;  // "set/before-migration", "in-place-db-x7k2m" for undo
    // Of the database whose files the old volumes hold, where its tag says the version; "": not known.
    std::string image;
    std::string undoes;                        // the operation whose volumes are put back; "" : none
    std::string at;                            // when the operation began, RFC 3339
    std::map<std::string, Incoming> incoming;  // by claim
    Json line;                                 // plan::Input::line and the operation's kind; null: not known
    // What the workload was at when this operation stopped it, until it is up again: the number beside its replicas
    // (annotation holdfast.dev/replicas) may be taken off by hand.
    std::optional<int> held;
    // By claim: what it asked for when it was last seen before its deletion, where the new one has less.
    // Once other claims are swapped the way is forward, and the report tells of it.
    std::map<std::string, std::string> asked;
};

// The journal's form: keys "workload", "swaps", "from", "undoes", "at", "line", and "incoming", which is added by a
// later round. kInvalid: damaged.
Json record_json(const SwapRecord& record);
Json incoming_json(const SwapRecord& record);
Json held_json(std::optional<int> replicas);  // key "held", whose later values count (plan::Plan::latest)
Json asked_json(const SwapRecord& record);    // key "asked", of the same kind; {}: nothing to be told
Result<SwapRecord> record_of(const Json& json, const std::string& space);

// The claim that is made from the snapshot before the swap. Always a valid name that begins with the operation's id,
// however long the claim's is.
std::string temporary_name(const std::string& operation, const std::string& claim);

// What the annotation holdfast.dev/swap says on a volume.
struct SwapMark {
    std::string operation, space, claim, claim_uid, policy, workload, from, at;
    bool taken_out = false;  // else: put in
    std::string source;      // annotation holdfast.dev/restored-from that the claim had
    std::string image;       // SwapRecord::image
    int replicas = 0;        // of the workload, then
    int count = 0;           // of volumes that the operation has taken out
    // record_json() of this one swap: from the marks of all volumes the journal can be made again (traces.h). Null in a
    // mark of an older version, and where it would be too long for an annotation.
    Json record;
};
Json mark_json(const SwapMark& mark);
std::optional<SwapMark> mark_of(const Json& volume);        // nullopt: none that can be read
std::optional<SwapMark> brief_mark_of(const Json& volume);  // without the record, which is most of it
// What the mark of one swap keeps of its operation's record: what a claim is made anew from, and no more.
Json record_for_mark(const SwapRecord& record, const Swap& swap);
// When an operation that begins now is said to have begun: later than all that still keep volumes, since undo takes the
// last one first, and two machines' clocks may differ.
std::string moment_after(const std::vector<std::string>& earlier, SystemTime now);
// The mark's text without that: enough once the operation has ended.
std::string without_record(const std::string& mark_text);

}  // namespace holdfast::restore
