#include "plugins/pvc-expand/record.h"

#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

constexpr char kApplied[] = "kubectl.kubernetes.io/last-applied-configuration";

Json growth_json(const Growth& growth) {
    Json json = {{"claim", growth.claim},
                 {"uid", growth.uid},
                 {"workload", growth.workload},
                 {"template", growth.claim_template},
                 {"ordinal", growth.ordinal},
                 {"from", growth.from},
                 {"to", growth.to},
                 {"mounted", growth.mounted},
                 {"canary", growth.canary}};
    if (growth.bears_only) json["bearsOnly"] = true;
    return json;
}

Growth growth_of(const Json& json) {
    Growth growth;
    growth.claim = kube::text_at(json, "/claim");
    growth.uid = kube::text_at(json, "/uid");
    growth.workload = kube::text_at(json, "/workload");
    growth.claim_template = kube::text_at(json, "/template");
    growth.ordinal = static_cast<int>(kube::number_at(json, "/ordinal", -1));
    growth.from = kube::text_at(json, "/from");
    growth.to = kube::text_at(json, "/to");
    growth.mounted = kube::bool_at(json, "/mounted", true);
    growth.canary = kube::bool_at(json, "/canary", false);
    growth.bears_only = kube::bool_at(json, "/bearsOnly", false);
    return growth;
}

std::vector<std::string> names_in(const Json& list) {
    std::vector<std::string> names;
    for (const Json& one : list) {
        if (one.is_string()) names.push_back(one.get<std::string>());
    }
    return names;
}

Json set_json(const Template& set) {
    return {{"name", set.ref.name},
            {"uid", set.uid},
            {"manifest", set.manifest},
            {"sizes", set.sizes},
            {"updateRevision", set.update_revision},
            {"lent", set.lent}};
}

Template set_of(const Json& json, const std::string& space) {
    Template set;
    set.ref = {kube::kStatefulSets, space, kube::text_at(json, "/name")};
    set.uid = kube::text_at(json, "/uid");
    if (const Json* manifest = kube::find_at(json, "/manifest")) set.manifest = *manifest;
    if (const Json* sizes = kube::find_at(json, "/sizes")) {
        for (const auto& [name, size] : sizes->items())
            set.sizes[name] = size.is_string() ? size.get<std::string>() : "";
    }
    set.update_revision = kube::text_at(json, "/updateRevision");
    if (const Json* lent = kube::find_at(json, "/lent")) set.lent = names_in(*lent);
    return set;
}

}  // namespace

std::string restart_name(Restart restart) {
    switch (restart) {
        case Restart::kNever:
            return "never";
        case Restart::kIfNeeded:
            return "if-needed";
        case Restart::kOffline:
            return "offline";
    }
    return "";
}

std::optional<Restart> restart_from(const std::string& name) {
    for (const Restart one : {Restart::kNever, Restart::kIfNeeded, Restart::kOffline}) {
        if (restart_name(one) == name) return one;
    }
    return std::nullopt;
}

Json record_json(const ExpandRecord& record) {
    Json claims = Json::array(), sets = Json::array();
    for (const Growth& one : record.claims) claims.push_back(growth_json(one));
    for (const Template& one : record.sets) sets.push_back(set_json(one));
    Json json = {{"claims", std::move(claims)},
                 {"sets", std::move(sets)},
                 {"at", record.at},
                 {"line", record.line},
                 {"restart", restart_name(record.restart)}};
    for (const plan::HeldWorkload& one : record.stopped) json["stopped"].push_back(plan::held_workload_json(one));
    if (!record.told_by.empty()) json["toldBy"] = record.told_by;
    return json;
}

Result<ExpandRecord> record_of(const Json& json, const std::string& space) {
    const Json* claims = kube::find_at(json, "/claims");
    const Json* sets = kube::find_at(json, "/sets");
    if (claims == nullptr || !claims->is_array() || sets == nullptr || !sets->is_array())
        return Error{ErrorKind::kInvalid, "the journal does not say which claims grow",
                     "nothing was changed; `status` shows the operation", 0, ""};
    ExpandRecord record;
    record.space = space;
    for (const Json& one : *claims) record.claims.push_back(growth_of(one));
    for (const Json& one : *sets) record.sets.push_back(set_of(one, space));
    record.at = kube::text_at(json, "/at");
    record.restart = restart_from(kube::text_at(json, "/restart")).value_or(Restart::kNever);
    record.untold = static_cast<int>(kube::number_at(json, "/untold", 0));
    if (const Json* told = kube::find_at(json, "/toldBy"); told != nullptr && told->is_object()) {
        for (const auto& [set, claim] : told->items()) record.told_by[set] = claim.is_string() ? claim : Json("");
    }
    if (const Json* line = kube::find_at(json, "/line")) record.line = *line;
    if (const Json* stopped = kube::find_at(json, "/stopped")) {
        for (const Json& one : *stopped) {
            TRY_ASSIGN(plan::HeldWorkload workload, plan::held_workload_of(one, space));
            if (workload.exists()) record.stopped.push_back(std::move(workload));
        }
    }
    if (const Json* held = kube::find_at(json, "/held"); held != nullptr && held->is_object()) {
        for (const auto& [workload, number] : held->items()) {
            if (number.is_number_integer()) record.held[workload] = number.get<int>();
        }
    }
    for (Template& set : record.sets) {
        const Json* lent = kube::find_at(json, "/" + std::string(kLent) + "/" + set.ref.name);
        if (lent != nullptr && lent->is_array()) set.lent = names_in(*lent);
    }
    const Json* swapped = kube::find_at(json, "/swapped");
    if (swapped == nullptr || !swapped->is_object()) return record;
    for (const auto& [name, value] : swapped->items()) record.swapped[name] = value;
    return record;
}

Json swapped_json(const Json& live, const std::vector<Json>& pods) {
    Json before = Json::object();
    for (const Json& pod : pods)
        before[kube::name_of(pod)] = {{"uid", kube::uid_of(pod)}, {"restarts", kube::restarts_of(pod)}};
    return {{"set", live}, {"pods", std::move(before)}};
}

std::map<std::string, PodBefore> pods_before(const Json& swapped) {
    std::map<std::string, PodBefore> pods;
    const Json* all = kube::find_at(swapped, "/pods");
    if (all == nullptr || !all->is_object()) return pods;
    for (const auto& [name, pod] : all->items())
        pods[name] = {kube::text_at(pod, "/uid"), kube::number_at(pod, "/restarts", 0)};
    return pods;
}

const Json& set_before(const Json& swapped) {
    static const Json kNothing;
    const Json* set = kube::find_at(swapped, "/set");
    return set == nullptr ? kNothing : *set;
}

bool carries_trace(const ExpandRecord& record, const Growth& growth) {
    const auto first = std::find_if(record.claims.begin(), record.claims.end(),
                                    [&](const Growth& one) { return one.workload == growth.workload; });
    return first != record.claims.end() && first->claim == growth.claim;
}

Json trace_json(const ExpandRecord& record, const std::string& workload, const std::string& operation) {
    ExpandRecord part;
    part.at = record.at;
    part.restart = record.restart;
    part.stopped = record.stopped;
    part.line = record.line;
    for (const Growth& one : record.claims) {
        if (one.workload == workload) part.claims.push_back(one);
    }
    for (const Template& one : record.sets) {
        if (one.ref.name != workload) continue;
        part.sets.push_back(one);
        part.sets.back().manifest["metadata"].erase("managedFields");
    }
    Json trace = record_json(part);
    trace["operation"] = operation;
    trace["workloads"] = [&] {
        Json names = Json::array();
        for (const Growth& one : record.claims) {
            if (std::find(names.begin(), names.end(), Json(one.workload)) == names.end()) names.push_back(one.workload);
        }
        return names;
    }();
    return trace;
}

std::string trace_text(const ExpandRecord& record, const std::string& workload, const std::string& operation) {
    constexpr std::size_t kLimit = 200 * 1024;  // the claim has other annotations too
    Json trace = trace_json(record, workload, operation);
    std::string text = trace.dump();
    if (text.size() < kLimit) return text;
    for (Json& set : trace["sets"]) {
        Json* metadata = set["manifest"].contains("metadata") ? &set["manifest"]["metadata"] : nullptr;
        if (metadata != nullptr && metadata->contains("annotations")) (*metadata)["annotations"].erase(kApplied);
    }
    text = trace.dump();
    return text.size() < kLimit ? text : "";
}

}  // namespace holdfast::expand
