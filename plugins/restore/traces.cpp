#include "plugins/restore/traces.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/plan/fence.h"
#include "common/plan/owners.h"
#include "plugins/restore/in_place_plan.h"
#include "plugins/restore/swap_facts.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace holdfast::restore {
namespace {

constexpr char kClaims[] = "claims";  // key of a record that was made again: how many claims there were

struct Trace {
    SwapRecord record;
    int count = 0;   // of claims, as every mark says
    int epoch = -1;  // the highest that a volume was marked with
};

bool belongs(const SwapMark& mark, const std::string& space) { return space.empty() || mark.space == space; }

void add_mark(Trace& trace, const SwapMark& mark, const Json& volume) {
    const auto one = record_of(mark.record, mark.space);
    if (!one.ok() || one->swaps.size() != 1) return;
    if (trace.record.swaps.empty()) trace.record = *one;
    trace.count = std::max(trace.count, mark.count);
    trace.epoch = std::max(trace.epoch, plan::epoch_in(kube::annotation_of(volume, labels::kEpoch), mark.operation));
    std::vector<Swap>& swaps = trace.record.swaps;
    const bool known =
        std::any_of(swaps.begin(), swaps.end(), [&](const Swap& swap) { return swap.claim == mark.claim; });
    if (!known) swaps.push_back(one->swaps.front());
    if (!mark.taken_out)
        trace.record.incoming[mark.claim] = {kube::name_of(volume), kube::uid_of(volume), mark.claim_uid};
}

// What is put in says that an operation has not ended; of those, also what they take out.
Result<std::map<std::string, Trace>> read_marks(kube::ClusterReader& reader, const std::string& space) {
    std::map<std::string, Trace> traces;
    TRY_ASSIGN(const kube::List incoming, reader.list(kube::kVolumes, "", {labels::kPutIn, ""}));
    if (incoming.items.empty()) return traces;
    TRY_ASSIGN(const kube::List kept, reader.list(kube::kVolumes, "", {labels::kKept, ""}));
    for (const Json& volume : incoming.items) {
        const auto mark = mark_of(volume);
        if (mark && belongs(*mark, space) && !mark->taken_out) add_mark(traces[mark->operation], *mark, volume);
    }
    for (const Json& volume : kept.items) {
        const auto mark = mark_of(volume);
        if (!mark || !mark->taken_out || !traces.contains(mark->operation)) continue;
        Trace& trace = traces[mark->operation];
        if (trace.record.space == mark->space) add_mark(trace, *mark, volume);
    }
    std::erase_if(traces, [](const auto& one) { return one.second.record.swaps.empty(); });
    return traces;
}

// A volume that was put in and has lost its mark again is the claim's by now.
Status find_settled(kube::ClusterReader& reader, SwapRecord& record) {
    for (const Swap& swap : record.swaps) {
        if (record.incoming.contains(swap.claim)) continue;
        TRY_ASSIGN(const auto claim, reader.find({kube::kClaims, record.space, swap.claim}));
        const std::string volume = claim ? kube::volume_of_claim(*claim) : "";
        if (!volume.empty() && volume != swap.old_volume && kube::phase_of(*claim) == "Bound")
            record.incoming[swap.claim] = {volume, "", ""};
    }
    return {};
}

// The claim that is not marked yet is as it was: nothing is stopped before all are.
Result<std::optional<Swap>> unmarked_swap(kube::ClusterReader& reader, const Json& claim, const Json& temporary,
                                          const Json& workload) {
    Swap swap;
    std::map<std::string, Json> volumes;
    TRY(read_into(reader, {{kube::kVolumes, "", kube::volume_of_claim(claim)}}, volumes));
    if (!take_old_volume(volumes, claim, swap).ok()) return std::optional<Swap>();
    swap.claim = kube::name_of(claim);
    swap.ordinal = kube::template_of_claim(workload, swap.claim).ordinal;
    swap.request = kube::request_text_of(temporary);
    swap.temporary = kube::name_of(temporary);
    swap.source = kube::annotation_of(temporary, labels::kSource);
    return std::optional(std::move(swap));
}

// By the temporary claims that a restore in place has made first.
Status find_unmarked(kube::ClusterReader& reader, const std::string& operation, const Json& workload,
                     SwapRecord& record) {
    TRY_ASSIGN(const kube::List claims, reader.list(kube::kClaims, record.space));
    std::map<std::string, const Json*> temporaries;
    std::set<std::string> known;
    for (const Json& claim : claims.items) {
        if (kube::label_of(claim, labels::kOperation) == operation) temporaries[kube::name_of(claim)] = &claim;
    }
    for (const Swap& swap : record.swaps) known.insert(swap.claim);
    for (const Json& claim : claims.items) {
        const std::string name = kube::name_of(claim);
        const auto temporary = temporaries.find(temporary_name(operation, name));
        if (known.contains(name) || temporary == temporaries.end()) continue;
        TRY_ASSIGN(auto swap, unmarked_swap(reader, claim, *temporary->second, workload));
        if (swap) record.swaps.push_back(std::move(*swap));
    }
    return {};
}

// All that its steps may have written to: what a takeover marks.
Json rounds_of(const SwapRecord& record) {
    Json steps = Json::array();
    if (record.workload.exists()) steps.push_back(plan::brief_step("patch", record.workload.ref));
    for (const Swap& swap : record.swaps) {
        if (!swap.temporary.empty())
            steps.push_back(plan::brief_step("create", {kube::kClaims, record.space, swap.temporary}));
        steps.push_back(plan::brief_step("delete", {kube::kClaims, record.space, swap.claim}));
        steps.push_back(plan::brief_step("patch", {kube::kVolumes, "", swap.old_volume}));
    }
    for (const auto& [claim, incoming] : record.incoming)
        steps.push_back(plan::brief_step("patch", {kube::kVolumes, "", incoming.volume}));
    return Json::array({{{"round", 0}, {"steps", std::move(steps)}}});
}

Result<plan::Journal> journal_of(kube::ClusterReader& reader, const std::string& operation, Trace trace) {
    SwapRecord& record = trace.record;
    plan::Journal journal;
    journal.operation = operation;
    journal.space = record.space;
    journal.kind = kube::text_at(record.line, "/kind");
    journal.plugin = kube::text_at(record.line, "/plugin");
    journal.command = kube::text_at(record.line, "/command");
    journal.argument_hash = kube::text_at(record.line, "/hash");
    if (const Json* arguments = kube::find_at(record.line, "/arguments")) journal.arguments = *arguments;
    journal.started = journal.touched = parse_time(record.at).value_or(SystemTime());
    const kube::ObjectRef target = record.workload.exists()
                                       ? record.workload.ref
                                       : kube::ObjectRef{kube::kClaims, record.space, record.swaps.front().claim};
    journal.target = target.name;
    Json workload;
    if (record.workload.exists()) {
        TRY_ASSIGN(const auto found, reader.find(target));
        if (found) workload = *found;
        journal.locks = {{target, record.workload.uid}};
        trace.epoch = std::max(trace.epoch, plan::epoch_in(kube::annotation_of(workload, labels::kEpoch), operation));
    } else {
        TRY_ASSIGN(journal.locks, plan::resolve_locks(reader, {target}));
    }
    journal.epoch = std::max(0, trace.epoch);
    if (static_cast<int>(record.swaps.size()) < trace.count && record.undoes.empty())
        TRY(find_unmarked(reader, operation, workload, record));
    TRY(find_settled(reader, record));
    std::sort(record.swaps.begin(), record.swaps.end(),
              [](const Swap& a, const Swap& b) { return std::tie(a.ordinal, a.claim) < std::tie(b.ordinal, b.claim); });
    journal.rounds = rounds_of(record);
    journal.record = record_json(record);
    journal.record.update(incoming_json(record));
    journal.record[kClaims] = trace.count;
    TRY(plan::take_owner(reader, journal));
    return journal;
}

}  // namespace

Result<std::vector<plan::Journal>> unfinished_swaps(kube::ClusterReader& reader, const std::string& space) {
    TRY_ASSIGN(auto traces, read_marks(reader, space));
    std::vector<plan::Journal> journals;
    for (auto& [operation, trace] : traces) {
        TRY_ASSIGN(plan::Journal journal, journal_of(reader, operation, std::move(trace)));
        if (plan::has_sound_names(journal)) journals.push_back(std::move(journal));
    }
    return journals;
}

Status check_whole(const SwapRecord& record, const Json& json, const std::string& operation) {
    const long long count = kube::number_at(json, "/claims", 0);
    const auto has = static_cast<long long>(record.swaps.size());
    if (has >= count) return {};
    return Error{ErrorKind::kRefused,
                 "the journal of " + operation + " was lost, and " + std::to_string(count - has) + " of its " +
                     std::to_string(count) + " claims are not told of by any volume; nothing was stopped or deleted",
                 "kubectl restore abort " + operation + " -n " + record.space + ", then begin again", 0, ""};
}

}  // namespace holdfast::restore
