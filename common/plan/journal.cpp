#include "common/plan/journal.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

constexpr char kKey[] = "journal.json";

std::string where(const Json& config_map) {
    return "configmap/" + kube::space_of(config_map) + "/" + kube::name_of(config_map);
}

Error damaged(const Json& config_map, const std::string& why) {
    return {ErrorKind::kInvalid, where(config_map) + ": not a journal that can be read: " + why,
            "what the operation made carries its id in the label " + std::string(labels::kOperation), 0, ""};
}

Json body_of(const Journal& journal) {
    return {{"format", kJournalFormat},
            {"operation", journal.operation},
            {"kind", journal.kind},
            {"target", journal.target},
            {"plugin", journal.plugin},
            {"command", journal.command},
            {"arguments", journal.arguments},
            {"argument_hash", journal.argument_hash},
            {"started", format_time_micro(journal.started)},
            {"state", journal.state},
            {"message", journal.message},
            {"round", journal.round},
            {"epoch", journal.epoch},
            {"owner", journal.owner},
            {"version", journal.version},
            {"rounds", journal.rounds},
            {"record", journal.record}};
}

kube::ObjectRef ref_of(const Journal& journal) {
    return {kube::kConfigMaps, journal.space, journal_name(journal.operation)};
}

void take_versions(Journal& journal, const Json& config_map) {
    journal.uid = kube::uid_of(config_map);
    journal.resource_version = kube::version_of(config_map);
}

}  // namespace

std::string journal_name(const std::string& operation) { return "holdfast-op-" + operation; }

Json journal_to_config_map(const Journal& journal) {
    Json map = {{"apiVersion", "v1"},
                {"kind", "ConfigMap"},
                {"metadata",
                 {{"name", journal_name(journal.operation)},
                  {"namespace", journal.space},
                  {"labels",
                   {{labels::kManagedBy, labels::kManagedByValue},
                    {labels::kOperation, journal.operation},
                    {labels::kRole, "journal"}}}}},
                {"data", {{kKey, body_of(journal).dump()}}}};
    if (!journal.resource_version.empty()) map["metadata"]["resourceVersion"] = journal.resource_version;
    if (!journal.uid.empty()) map["metadata"]["uid"] = journal.uid;
    return map;
}

Result<Journal> journal_from_config_map(const Json& config_map) {
    const std::string text = kube::text_at(config_map, "/data/journal.json");
    if (text.empty()) return damaged(config_map, "it has no " + std::string(kKey));
    const Json body = Json::parse(text, nullptr, false);
    if (!body.is_object()) return damaged(config_map, "its " + std::string(kKey) + " is not JSON");
    const long long format = kube::number_at(body, "/format", -1);
    if (format > kJournalFormat) {
        return Error{
            ErrorKind::kRefused,
            where(config_map) + ": a newer Holdfast wrote this journal (format " + std::to_string(format) + ")",
            "upgrade the plugin, then resume", 0, ""};
    }
    if (format != kJournalFormat) return damaged(config_map, "unknown format");
    Journal journal;
    journal.operation = kube::text_at(body, "/operation");
    if (kube::name_of(config_map) != journal_name(journal.operation))
        return damaged(config_map, "it is of another operation");
    journal.kind = kube::text_at(body, "/kind");
    journal.target = kube::text_at(body, "/target");
    journal.space = kube::space_of(config_map);
    journal.plugin = kube::text_at(body, "/plugin");
    journal.command = kube::text_at(body, "/command");
    // Lines to be pasted into a shell are made of them, and anyone may edit a ConfigMap.
    for (const std::string* word : {&journal.plugin, &journal.command}) {
        if (!check_dns_label(*word, "command").ok()) return damaged(config_map, "it names no command of a plugin");
    }
    const Json* arguments = kube::find_at(body, "/arguments");
    journal.arguments = arguments == nullptr ? Json::object() : *arguments;
    journal.argument_hash = kube::text_at(body, "/argument_hash");
    const auto started = parse_time(kube::text_at(body, "/started"));
    if (!started.ok()) return damaged(config_map, started.error().message);
    journal.started = *started;
    journal.state = kube::text_at(body, "/state");
    journal.message = kube::text_at(body, "/message");
    journal.round = static_cast<int>(kube::number_at(body, "/round", 0));
    journal.epoch = static_cast<int>(kube::number_at(body, "/epoch", 0));
    journal.owner = kube::text_at(body, "/owner");
    journal.version = kube::text_at(body, "/version");
    const Json* rounds = kube::find_at(body, "/rounds");
    if (rounds != nullptr && rounds->is_array()) journal.rounds = *rounds;
    const Json* record = kube::find_at(body, "/record");
    if (record != nullptr && record->is_object()) journal.record = *record;
    take_versions(journal, config_map);
    return journal;
}

Json brief(const Plan& plan) {
    Json steps = Json::array();
    for (const Step& step : plan.steps) {
        const kube::ObjectRef ref = object_of(step.action);
        steps.push_back({{"id", step.id},
                         {"title", step.title},
                         {"verb", verb_of(step.action)},
                         {"group", ref.resource.group},
                         {"resource", ref.resource.plural},
                         {"namespace", ref.space},
                         {"name", ref.name}});
    }
    return {{"round", plan.round}, {"steps", std::move(steps)}};
}

std::vector<kube::ObjectRef> created_objects(const Journal& journal) {
    std::vector<kube::ObjectRef> created;
    for (const Json& round : journal.rounds) {
        const Json* steps = kube::find_at(round, "/steps");
        if (steps == nullptr || !steps->is_array()) continue;
        for (const Json& step : *steps) {
            const kube::Resource* resource =
                kube::find_plural(kube::text_at(step, "/group"), kube::text_at(step, "/resource"));
            if (kube::text_at(step, "/verb") != "create" || resource == nullptr) continue;
            kube::ObjectRef ref{*resource, kube::text_at(step, "/namespace"), kube::text_at(step, "/name")};
            // A resume plans again what an earlier run had planned with other steps beside it.
            if (std::find(created.begin(), created.end(), ref) == created.end()) created.push_back(std::move(ref));
        }
    }
    return created;
}

Status check_operation_id(const std::string& operation) { return check_dns_label(operation, "operation"); }

Status write_new(kube::Cluster& cluster, Journal& journal) {
    journal.uid.clear();
    journal.resource_version.clear();
    auto made = cluster.create(journal_to_config_map(journal));
    if (!made.ok()) {
        // An answer that was lost: the journal may be there. It is ours if it holds our very text.
        auto found = cluster.find(ref_of(journal));
        const bool same =
            found.ok() && found->has_value() && kube::text_at(**found, "/data/journal.json") == body_of(journal).dump();
        if (!same) return made.error().with_context(ref_of(journal).text());
        made = **found;
    }
    take_versions(journal, *made);
    return {};
}

Status write_change(kube::Cluster& cluster, Journal& journal) {
    auto made = cluster.replace(ref_of(journal), journal_to_config_map(journal));
    if (!made.ok()) {
        auto found = cluster.find(ref_of(journal));
        const bool same =
            found.ok() && found->has_value() && kube::text_at(**found, "/data/journal.json") == body_of(journal).dump();
        if (!same) return made.error().with_context(ref_of(journal).text());
        made = **found;
    }
    take_versions(journal, *made);
    return {};
}

Status erase(kube::Cluster& cluster, const Journal& journal) {
    const Status gone = cluster.remove(ref_of(journal), {journal.uid, ""});
    if (gone.ok() || gone.error().kind == ErrorKind::kNotFound) return {};
    return gone.error().with_context(ref_of(journal).text());
}

Result<Journal> read_journal(kube::ClusterReader& reader, const std::string& space, const std::string& operation) {
    TRY(check_operation_id(operation));
    TRY_ASSIGN(const std::optional<Json> found, reader.find({kube::kConfigMaps, space, journal_name(operation)}));
    if (!found) {
        return Error{ErrorKind::kNotFound, "operation " + operation + " not found in namespace " + space,
                     "finished operations leave no journal; `status` lists those that are open", 0, ""};
    }
    return journal_from_config_map(*found);
}

Result<std::vector<Journal>> list_journals(kube::ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& unreadable) {
    const std::string selector =
        std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole + "=journal";
    TRY_ASSIGN(const kube::List list, reader.list(kube::kConfigMaps, space, {selector, ""}));
    std::vector<Journal> journals;
    for (const Json& item : list.items) {
        auto journal = journal_from_config_map(item);
        if (journal.ok())
            journals.push_back(std::move(*journal));
        else
            unreadable.push_back(journal.error().message);
    }
    return journals;
}

}  // namespace holdfast::plan
