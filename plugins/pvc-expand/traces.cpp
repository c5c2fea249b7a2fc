#include "plugins/pvc-expand/traces.h"

#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/fence.h"
#include "common/plan/owners.h"

#include <algorithm>
#include <map>

namespace holdfast::expand {
namespace {

struct Trace {
    ExpandRecord record;
    std::size_t workloads = 0;  // that the operation had
    std::size_t found = 0;
    int epoch = -1;
};

void add_trace(Trace& trace, const Json& json, const Json& claim, const std::string& operation) {
    auto part = record_of(json, kube::space_of(claim));
    if (!part.ok() || kube::text_at(json, "/operation") != operation) return;
    if (trace.record.claims.empty() && trace.record.sets.empty()) {
        trace.record.space = part->space;
        trace.record.at = part->at;
        trace.record.restart = part->restart;
        trace.record.stopped = part->stopped;
        trace.record.line = part->line;
    }
    ++trace.found;
    for (Growth& one : part->claims) trace.record.claims.push_back(std::move(one));
    for (Template& one : part->sets) trace.record.sets.push_back(std::move(one));
    if (const Json* names = kube::find_at(json, "/workloads"); names != nullptr && names->is_array())
        trace.workloads = std::max(trace.workloads, names->size());
    trace.epoch = std::max(trace.epoch, plan::epoch_in(kube::annotation_of(claim, labels::kEpoch), operation));
}

Json rounds_of(const ExpandRecord& record) {
    Json steps = Json::array();
    for (const Growth& growth : record.claims)
        steps.push_back(plan::brief_step("patch", {kube::kClaims, record.space, growth.claim}));
    for (const Template& set : record.sets) steps.push_back(plan::brief_step("delete", set.ref));
    return Json::array({{{"round", 0}, {"steps", std::move(steps)}}});
}

// Nobody's, or not taken off the set yet. A uid alone can be anybody's: DaemonSets have ControllerRevisions, too.
bool let_go(const Template& set, const Json& object) {
    const kube::Owner owner = kube::controller_of(object);
    const bool its = owner.kind == "StatefulSet" && owner.name == set.ref.name;
    return owner.empty() || (its && kube::controller_uid_of(object) == set.uid);
}

// Pods that a StatefulSet of this manifest has left behind: what a claim says can be written by whoever may edit
// claims, and a set that its owner has deleted took its pods along. Only a deletion that leaves the pods leaves any.
bool left_pods(const Template& set, const std::vector<Json>& pods) {
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        const int ordinal = kube::ordinal_of_pod(set.manifest, kube::name_of(pod));
        if (ordinal < 0 || kube::deleting(pod) || !let_go(set, pod)) return false;
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        return std::any_of(mounted.begin(), mounted.end(), [&](const std::string& claim) {
            const auto place = kube::template_of_claim(set.manifest, claim);
            return place.claim_template != nullptr && place.ordinal == ordinal;
        });
    });
}

// Or a ControllerRevision, which stays when the last of its pods has ended meanwhile. Whoever may not look at them does
// not see that.
bool left_revisions(kube::ClusterReader& reader, const Template& set) {
    const auto all = reader.list(kube::kControllerRevisions, set.ref.space);
    if (!all.ok()) return false;
    const std::string prefix = set.ref.name + "-";
    return std::any_of(all->items.begin(), all->items.end(), [&](const Json& revision) {
        const std::string name = kube::name_of(revision);
        const bool its = starts_with(name, prefix) && name.find('-', prefix.size()) == std::string::npos;
        return its && let_go(set, revision);
    });
}

// What is posted in place of a set that is gone: as it was at the start. A replica that came since has a pod: it must
// not be taken for one too many.
Status find_swapped(kube::ClusterReader& reader, ExpandRecord& record) {
    for (const Template& set : record.sets) {
        TRY_ASSIGN(const auto live, reader.find(set.ref));
        if (live) continue;
        TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, record.space));
        if (!left_pods(set, pods.items) && !left_revisions(reader, set)) continue;  // it was not we who deleted it
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
    journal.record["untold"] = trace.workloads > trace.found ? trace.workloads - trace.found : 0;
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
