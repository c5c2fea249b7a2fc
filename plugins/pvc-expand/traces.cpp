#include "plugins/pvc-expand/traces.h"

#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/fence.h"
#include "common/plan/owners.h"
#include "plugins/pvc-expand/evidence.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::expand {
namespace {

struct Trace {
    ExpandRecord record;
    std::size_t workloads = 0;  // that the operation had
    std::set<std::string> found;
    int epoch = -1;
};

void add_trace(Trace& trace, const Json& json, const Json& claim, const std::string& operation) {
    auto part = record_of(json, kube::space_of(claim));
    if (!part.ok() || !is_own_trace(json, claim)) return;
    if (trace.record.claims.empty() && trace.record.sets.empty()) {
        trace.record.space = part->space;
        trace.record.at = part->at;
        trace.record.restart = part->restart;
        trace.record.stopped = part->stopped;
        trace.record.line = part->line;
    }
    trace.epoch = std::max(trace.epoch, plan::epoch_in(kube::annotation_of(claim, labels::kEpoch), operation));
    // Where the claim that told of it goes, the next one tells the same.
    const std::string workload = part->claims.empty() ? "" : part->claims.front().workload;
    if (!trace.found.insert(workload).second) return;
    for (Growth& one : part->claims) trace.record.claims.push_back(std::move(one));
    for (Template& one : part->sets) {
        trace.record.told_by[one.ref.name] = kube::name_of(claim);
        trace.record.sets.push_back(std::move(one));
    }
    if (const Json* names = kube::find_at(json, "/workloads"); names != nullptr && names->is_array())
        trace.workloads = std::max(trace.workloads, names->size());
}

Json rounds_of(const ExpandRecord& record) {
    Json steps = Json::array();
    for (const Growth& growth : record.claims)
        steps.push_back(plan::brief_step("patch", {kube::kClaims, record.space, growth.claim}));
    for (const Template& set : record.sets) steps.push_back(plan::brief_step("delete", set.ref));
    return Json::array({{{"round", 0}, {"steps", std::move(steps)}}});
}

// What is posted in place of a set that is gone: as it was at the start, unless its controller's own records say
// otherwise. A replica that came since has a pod: it must not be taken for one too many.
Status find_swapped(kube::ClusterReader& reader, ExpandRecord& record) {
    for (const Template& set : record.sets) {
        TRY_ASSIGN(const auto live, reader.find(set.ref));
        if (live) record.told_by.erase(set.ref.name);
        if (live) continue;
        TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, record.space));
        TRY_ASSIGN(const auto revisions, revisions_if_allowed(reader, record.space));
        const std::vector<Json> known = revisions.value_or(std::vector<Json>());
        if (!left_behind(set, pods.items, known)) continue;  // it was not we who deleted it
        if (is_contradicted(set.manifest, known)) continue;
        Json before = set.manifest;
        int replicas = kube::replicas_of(before);
        for (const Json& pod : pods.items) {
            if (kube::selected_by(before, pod) && !kube::deleting(pod))
                replicas = std::max(
                    replicas, kube::ordinal_of_pod(before, kube::name_of(pod)) + 1 - kube::start_ordinal_of(before));
        }
        before["spec"]["replicas"] = replicas;
        record.swapped[set.ref.name] = swapped_json(before, {});
    }
    return {};
}

Result<plan::Journal> journal_of(kube::ClusterReader& reader, const std::string& operation, Trace trace) {
    ExpandRecord& record = trace.record;
    plan::Journal journal;
    journal.operation = operation;
    journal.space = record.space;
    journal.kind = kube::text_at(record.line, "/kind");
    journal.plugin = kube::text_at(record.line, "/plugin");
    journal.command = kube::text_at(record.line, "/command");
    journal.argument_hash = kube::text_at(record.line, "/hash");
    if (const Json* arguments = kube::find_at(record.line, "/arguments")) journal.arguments = *arguments;
    journal.target = kube::text_at(record.line, "/target");
    journal.started = journal.touched = parse_time(record.at).value_or(SystemTime());
    journal.epoch = std::max(0, trace.epoch);
    std::vector<kube::ObjectRef> targets;
    for (const Template& set : record.sets) targets.push_back(set.ref);
    for (const Growth& growth : record.claims) {
        if (growth.workload.empty())
            targets.push_back({kube::kClaims, record.space, growth.claim});
        else
            targets.push_back({kube::kStatefulSets, record.space, growth.workload});
    }
    TRY_ASSIGN(journal.locks, plan::resolve_locks(reader, targets));
    TRY(find_swapped(reader, record));
    journal.rounds = rounds_of(record);
    journal.record = record_json(record);
    const std::size_t found = trace.found.size();
    journal.record["untold"] = trace.workloads > found ? trace.workloads - found : 0;
    for (const auto& [set, swapped] : record.swapped) journal.record[kSwapped][set] = swapped;
    TRY(plan::take_owner(reader, journal));
    return journal;
}

}  // namespace

Result<std::vector<plan::Journal>> unfinished_expansions(kube::ClusterReader& reader, const std::string& space) {
    std::map<std::string, Trace> traces;
    TRY_ASSIGN(const kube::List marked, reader.list(kube::kClaims, space, {labels::kExpanding, ""}));
    for (const Json& claim : marked.items) {
        const std::string operation = kube::label_of(claim, labels::kExpanding);
        const Json json = Json::parse(kube::annotation_of(claim, labels::kExpand), nullptr, false);
        if (json.is_object()) add_trace(traces[operation], json, claim, operation);
    }
    std::vector<plan::Journal> journals;
    for (auto& [operation, trace] : traces) {
        if (trace.record.claims.empty() && trace.record.sets.empty()) continue;
        TRY_ASSIGN(plan::Journal journal, journal_of(reader, operation, std::move(trace)));
        if (plan::has_sound_names(journal)) journals.push_back(std::move(journal));
    }
    return journals;
}

}  // namespace holdfast::expand
