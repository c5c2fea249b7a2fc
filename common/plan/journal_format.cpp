// A journal as a ConfigMap and back: format and checks.
#include "common/core/hash.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/journal.h"
#include "common/plan/journal_shards.h"

#include <functional>
#include <set>

namespace holdfast::plan {
namespace {

constexpr char kKey[] = "journal.json";
constexpr char kSumsKey[] = "sums.json";
constexpr char kShardKey[] = "part";
constexpr char kSignpostKey[] = "journal-is-at.json";
constexpr char kThere[] = "other";

std::string where(const Json& config_map) {
    return "configmap/" + kube::space_of(config_map) + "/" + kube::name_of(config_map);
}

Error damaged(const Json& config_map, const std::string& why) {
    return {ErrorKind::kInvalid, where(config_map) + ": not a journal that can be read: " + why,
            "what the operation made carries its id in the label " + std::string(labels::kOperation), 0, ""};
}

Json locks_to_json(const std::vector<Lock>& locks) {
    Json out = Json::array();
    for (const Lock& lock : locks) {
        out.push_back({{"group", lock.workload.resource.group},
                       {"resource", lock.workload.resource.plural},
                       {"namespace", lock.workload.space},
                       {"name", lock.workload.name},
                       {"uid", lock.uid}});
    }
    return out;
}

std::optional<kube::ObjectRef> object_in(const Json& entry) {
    const kube::Resource* resource =
        kube::find_plural(kube::text_at(entry, "/group"), kube::text_at(entry, "/resource"));
    if (resource == nullptr) return std::nullopt;
    return kube::ObjectRef{*resource, kube::text_at(entry, "/namespace"), kube::text_at(entry, "/name")};
}

std::vector<Lock> locks_of(const Json& body) {
    std::vector<Lock> locks;
    const Json* list = kube::find_at(body, "/locks");
    if (list == nullptr || !list->is_array()) return locks;
    for (const Json& entry : *list) {
        if (auto workload = object_in(entry)) locks.push_back({std::move(*workload), kube::text_at(entry, "/uid")});
    }
    return locks;
}

// What body.dump() gives, and the hash of each of its fields: put together of them, so that each is written out once.
struct Written {
    std::string text;
    Json sums = Json::object();

    void add(const std::string& field, const Json& value) {
        const std::string one = value.dump();
        text += (text.empty() ? "{" : ",") + Json(field).dump() + ":";
        text += one;
        sums[field] = short_hash(one);
    }
};

// The body with these two as its last fields: they are nearly all of it, and are not copied to be written.
Written written(const Json& body, const Json& rounds, const Json& record) {
    Written all;
    for (const auto& [field, value] : body.items()) all.add(field, value);
    all.add("rounds", rounds);
    all.add("record", record);
    all.text += '}';
    return all;
}

// Fields whose hash is not the one that was written with them.
std::vector<std::string> edited_fields(const Json& body, const Json& sums) {
    std::vector<std::string> edited;
    for (const auto& [field, value] : body.items()) {
        const auto written = sums.find(field);
        if (written == sums.end() || *written != short_hash(value.dump())) edited.push_back(field);
    }
    for (const auto& [field, sum] : sums.items()) {
        if (!body.contains(field)) edited.push_back(field);
    }
    return edited;
}

Status check_sums(const Json& config_map, const Json& body) {
    const Json sums = Json::parse(kube::text_at(config_map, "/data/sums.json"), nullptr, false);
    if (!sums.is_object()) return damaged(config_map, "it has no " + std::string(kSumsKey));
    std::vector<std::string> what;
    for (const std::string& field : edited_fields(body, sums)) {
        const Json* value = kube::find_at(body, "/" + field);
        const bool simple = value != nullptr && value->is_primitive();
        what.push_back(escape_line(field) + (simple ? ", now " + escape_line(value->dump().substr(0, 100)) : ""));
    }
    if (what.empty()) return {};
    return Error{ErrorKind::kRefused,
                 where(config_map) + ": this journal was edited since Holdfast wrote it: it differs in " +
                     join(what, "; ") + "; nothing was changed",
                 "put back what was there; what the operation made carries its id in the label " +
                     std::string(labels::kOperation),
                 0, kJournalEdited};
}

// nullopt: it is a journal itself.
std::optional<Error> told_by_signpost(const Json& config_map) {
    const std::string text = kube::text_at(config_map, std::string("/data/") + kSignpostKey);
    if (text.empty()) return std::nullopt;
    const Json body = Json::parse(text, nullptr, false);
    const std::string operation = kube::text_at(body, "/operation"), plugin = kube::text_at(body, "/plugin"),
                      space = kube::text_at(body, "/namespace"), context = kube::text_at(body, "/context");
    // Lines to be pasted into a shell are made of them, and anyone may edit a ConfigMap.
    if (!check_operation_id(operation).ok() || !check_dns_label(plugin, "plugin").ok() ||
        !check_dns_label(space, "namespace").ok())
        return damaged(config_map, "it does not say where the journal is");
    const std::string on =
        " " + operation + " -n " + space + (context.empty() ? "" : " --context " + shell_quote(context));
    return Error{
        ErrorKind::kRefused,
        where(config_map) + ": operation " + operation + " was begun from another cluster, " +
            escape_line(kube::text_at(body, "/server")) + ", and its journal is there, in namespace " + space +
            ": kubectl " + plugin + " resume" + on + ", or kubectl " + plugin + " abort" + on,
        "if that cluster is gone for good, or knows no such operation, delete this ConfigMap: then gc here removes "
        "the throwaways that the operation has left",
        0, ""};
}

// All but its rounds and its record.
Json body_of(const Journal& journal) {
    return {{"format", kJournalFormatInOne},
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
            {"host", journal.host},
            {"touched", format_time_micro(journal.touched)},
            {"locks", locks_to_json(journal.locks)},
            {"version", journal.version}};
}

Json map_of(const Journal& journal, const std::string& name, const char* role) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata",
             {{"name", name},
              {"namespace", journal.space},
              {"labels",
               {{labels::kManagedBy, labels::kManagedByValue},
                {labels::kOperation, journal.operation},
                {labels::kRole, role}}}}}};
}

// Calls `each` with every step of every round.
void for_each_step(const Journal& journal, const std::function<void(const Json& step)>& each) {
    for (const Json& round : journal.rounds) {
        const Json* steps = kube::find_at(round, "/steps");
        if (steps == nullptr || !steps->is_array()) continue;
        for (const Json& step : *steps) each(step);
    }
}

}  // namespace

void take_versions(Journal& journal, const Json& config_map) {
    journal.uid = kube::uid_of(config_map);
    journal.resource_version = kube::version_of(config_map);
}

std::string target_text(const Journal& journal) {
    const std::string selector = kube::text_at(journal.arguments, "/values/selector/0");
    const Json* named = kube::find_at(journal.arguments, "/positionals");
    const bool chosen = !selector.empty() && (named == nullptr || named->empty());
    return chosen ? "-l " + shell_quote(selector) : journal.target;
}

std::string journal_name(const std::string& operation) { return "holdfast-op-" + operation; }

std::string shard_name(const std::string& operation, const std::string& hash) {
    return journal_name(operation) + "." + hash;
}

JournalObjects journal_objects(const Journal& journal) {
    Json body = body_of(journal);
    Written all = written(body, journal.rounds, journal.record);
    JournalObjects objects;
    if (all.text.size() > kShardBytes) {
        Json parts = {{"rounds", journal.rounds}, {"record", journal.record}};
        for (auto& [hash, slice] : take_out_parts(parts)) {
            Json shard = map_of(journal, shard_name(journal.operation, hash), "journal-shard");
            shard["data"] = {{kShardKey, std::move(slice)}};
            objects.shards[hash] = std::move(shard);
        }
        if (!objects.shards.empty()) body["format"] = kJournalFormat;
        all = written(body, parts["rounds"], parts["record"]);
    }
    Json& head = objects.head = map_of(journal, journal_name(journal.operation), "journal");
    head["data"] = {{kKey, std::move(all.text)}, {kSumsKey, all.sums.dump()}};
    if (!journal.resource_version.empty()) head["metadata"]["resourceVersion"] = journal.resource_version;
    if (!journal.uid.empty()) head["metadata"]["uid"] = journal.uid;
    return objects;
}

Json journal_to_config_map(const Journal& journal) { return journal_objects(journal).head; }

Result<Journal> journal_from_config_map(const Json& config_map, const ShardReader& shards) {
    if (const auto elsewhere = told_by_signpost(config_map)) return *elsewhere;
    const std::string text = kube::text_at(config_map, "/data/journal.json");
    if (text.empty()) return damaged(config_map, "it has no " + std::string(kKey));
    Json body = Json::parse(text, nullptr, false);
    if (!body.is_object()) return damaged(config_map, "its " + std::string(kKey) + " is not JSON");
    const long long format = kube::number_at(body, "/format", -1);
    if (format > kJournalFormat) {
        return Error{
            ErrorKind::kRefused,
            where(config_map) + ": a newer Holdfast wrote this journal (format " + std::to_string(format) + ")",
            "upgrade the plugin, then resume", 0, ""};
    }
    if (format < 1) return damaged(config_map, "unknown format");
    if (format > 1) TRY(check_sums(config_map, body));
    Journal journal;
    const std::vector<std::string> hashes = slices_of(body);
    if (!hashes.empty()) {
        std::map<std::string, std::string> slices;
        if (shards) {
            TRY_ASSIGN(slices, shards(hashes));
        }
        for (const auto& [hash, slice] : slices) journal.shards.insert(hash);
        journal.lost = put_back_parts(body, slices);
    }
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
    journal.host = kube::text_at(body, "/host");
    // Format 1 did not say it: then the owner is judged by what else is known of it.
    journal.touched = parse_time(kube::text_at(body, "/touched")).value_or(journal.started);
    journal.locks = locks_of(body);
    journal.version = kube::text_at(body, "/version");
    const auto rounds = body.find("rounds"), record = body.find("record");
    if (rounds != body.end() && rounds->is_array()) journal.rounds = std::move(*rounds);
    if (record != body.end() && record->is_object()) journal.record = std::move(*record);
    take_versions(journal, config_map);
    return journal;
}

Json signpost_manifest(const Signpost& signpost, const std::string& space) {
    const Json body = {{"operation", signpost.operation},
                       {"plugin", signpost.plugin},
                       {"namespace", signpost.space},
                       {"server", signpost.server},
                       {"context", signpost.context}};
    return {
        {"apiVersion", "v1"},
        {"kind", "ConfigMap"},
        {"metadata",
         {{"name", journal_name(signpost.operation)}, {"namespace", space}, {"labels", {{labels::kRole, "journal"}}}}},
        {"data", {{kSignpostKey, body.dump()}}}};
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
        if (step.site == kube::Site::kThere) steps.back()["site"] = kThere;
    }
    return {{"round", plan.round}, {"steps", std::move(steps)}};
}

Json brief_step(const char* verb, const kube::ObjectRef& ref) {
    return {{"id", std::string(verb) + "-" + ref.name},
            {"title", std::string(verb) + " " + ref.text()},
            {"verb", verb},
            {"group", ref.resource.group},
            {"resource", ref.resource.plural},
            {"namespace", ref.space},
            {"name", ref.name}};
}

bool has_sound_names(const Journal& journal) {
    return check_operation_id(journal.operation).ok() && check_dns_label(journal.plugin, "plugin").ok() &&
           check_dns_label(journal.command, "command").ok();
}

namespace {

std::vector<kube::ObjectRef> objects_of(const Journal& journal, kube::Site site,
                                        const std::function<bool(const std::string&)>& wanted) {
    std::vector<kube::ObjectRef> objects;
    std::set<std::string> known;
    for_each_step(journal, [&](const Json& step) {
        if (!wanted(kube::text_at(step, "/verb"))) return;
        if ((kube::text_at(step, "/site") == kThere) != (site == kube::Site::kThere)) return;
        auto object = object_in(step);
        // A resume plans again what an earlier run had planned with other steps beside it.
        if (object && known.insert(object->resource.qualified() + " " + object->text()).second)
            objects.push_back(std::move(*object));
    });
    return objects;
}

}  // namespace

std::vector<kube::ObjectRef> created_objects(const Journal& journal, kube::Site site) {
    return objects_of(journal, site, [](const std::string& verb) { return verb == "create"; });
}

std::vector<kube::ObjectRef> written_objects(const Journal& journal) {
    return objects_of(journal, kube::Site::kHere, [](const std::string& verb) {
        return verb == "create" || verb == "patch" || verb == "delete" || verb == "scale" || verb == "evict";
    });
}

}  // namespace holdfast::plan
