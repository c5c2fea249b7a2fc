#include "common/kube/objects/snapshot_set.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <chrono>

namespace holdfast::kube {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kDepthLimit = 64;
constexpr char kSetKey[] = "set.json";

// Anyone may write a ConfigMap: brackets are counted before the parser is let in, since values are walked recursively.
bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kDepthLimit) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

std::optional<Json> parse_object(const std::string& text) {
    if (text.empty() || too_deep(text)) return std::nullopt;
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    return json;
}

void put(Json& json, const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
}
void put(Json& json, const char* key, const Json& value) {
    if (!value.is_null()) json[key] = value;
}
std::string text_of(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}
Json value_of(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() ? *found : Json();
}
std::vector<std::string> texts_of(const Json& json, const char* key) {
    std::vector<std::string> texts;
    const auto found = json.find(key);
    if (found == json.end() || !found->is_array()) return texts;
    for (const Json& item : *found) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}
long long number_of(const Json& json, const char* key, long long fallback) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<long long>() : fallback;
}

Json member_to_json(const SetMember& member) {
    Json json = Json::object();
    put(json, "claim", member.claim);
    put(json, "claimUID", member.claim_uid);
    put(json, "claimTemplate", member.claim_template);
    if (member.ordinal >= 0) json["ordinal"] = member.ordinal;
    put(json, "snapshot", member.snapshot);
    put(json, "snapshotUID", member.snapshot_uid);
    put(json, "volume", member.volume);
    put(json, "driver", member.driver);
    put(json, "snapshotClass", member.snapshot_class);
    put(json, "storageClass", member.storage_class);
    put(json, "volumeMode", member.volume_mode);
    json["accessModes"] = member.access_modes;
    json["sizeBytes"] = member.size_bytes;
    put(json, "pod", member.pod);
    put(json, "node", member.node);
    put(json, "cutAt", member.cut_at);
    return json;
}

SetMember member_from_json(const Json& json) {
    SetMember member;
    member.claim = text_of(json, "claim");
    member.claim_uid = text_of(json, "claimUID");
    member.claim_template = text_of(json, "claimTemplate");
    member.ordinal = static_cast<int>(std::clamp(number_of(json, "ordinal", -1), -1LL, 1LL << 30));
    member.snapshot = text_of(json, "snapshot");
    member.snapshot_uid = text_of(json, "snapshotUID");
    member.volume = text_of(json, "volume");
    member.driver = text_of(json, "driver");
    member.snapshot_class = text_of(json, "snapshotClass");
    member.storage_class = text_of(json, "storageClass");
    member.volume_mode = text_of(json, "volumeMode");
    member.access_modes = texts_of(json, "accessModes");
    member.size_bytes = std::max(0LL, number_of(json, "sizeBytes", 0));
    member.pod = text_of(json, "pod");
    member.node = text_of(json, "node");
    member.cut_at = text_of(json, "cutAt");
    return member;
}

Json app_to_json(const AppFacts& app) {
    Json json = Json::object();
    put(json, "kind", app.kind);
    put(json, "majorVersion", app.major_version);
    put(json, "systemIdentifier", app.system_identifier);
    put(json, "timeline", app.timeline);
    put(json, "dataDirectory", app.data_directory);
    return json;
}

AppFacts app_from_json(const Json& json) {
    if (!json.is_object()) return {};
    return {text_of(json, "kind"), text_of(json, "majorVersion"), text_of(json, "systemIdentifier"),
            text_of(json, "timeline"), text_of(json, "dataDirectory")};
}

Json container_to_json(const ContainerFacts& container) {
    Json json = Json::object();
    put(json, "name", container.name);
    put(json, "image", container.image);
    put(json, "imageID", container.image_id);
    put(json, "imagePullPolicy", container.pull_policy);
    if (!container.image_pull_secrets.empty()) json["imagePullSecrets"] = container.image_pull_secrets;
    put(json, "env", container.env);
    put(json, "volumeMounts", container.volume_mounts);
    put(json, "volumeDevices", container.volume_devices);
    put(json, "securityContext", container.security_context);
    put(json, "podSecurityContext", container.pod_security_context);
    return json;
}

ContainerFacts container_from_json(const Json& json) {
    ContainerFacts container;
    container.name = text_of(json, "name");
    container.image = text_of(json, "image");
    container.image_id = text_of(json, "imageID");
    container.pull_policy = text_of(json, "imagePullPolicy");
    container.image_pull_secrets = texts_of(json, "imagePullSecrets");
    container.env = value_of(json, "env");
    container.volume_mounts = value_of(json, "volumeMounts");
    container.volume_devices = value_of(json, "volumeDevices");
    container.security_context = value_of(json, "securityContext");
    container.pod_security_context = value_of(json, "podSecurityContext");
    return container;
}

// On a snapshot only what names the database's place: the whole env is kept once per set.
ContainerFacts shortened(ContainerFacts container) {
    Json kept = Json::array();
    if (container.env.is_array()) {
        for (const Json& item : container.env) {
            const std::string name = item.is_object() ? text_of(item, "name") : "";
            if (name == "PGDATA" || name == "POSTGRES_DB" || name == "POSTGRES_USER") kept.push_back(item);
        }
    }
    container.env = std::move(kept);
    return container;
}

Json containers_to_json(const std::vector<ContainerFacts>& containers, bool whole) {
    Json list = Json::array();
    for (const ContainerFacts& container : containers) {
        list.push_back(container_to_json(whole ? container : shortened(container)));
    }
    return list;
}

std::vector<ContainerFacts> containers_from_json(const Json& list) {
    std::vector<ContainerFacts> containers;
    if (!list.is_array()) return containers;
    for (const Json& item : list) {
        if (item.is_object()) containers.push_back(container_from_json(item));
    }
    return containers;
}

// What holds for every member: in the set's record and, shortened, in each member's.
void put_common(Json& json, const SnapshotSet& set, bool whole) {
    json["format"] = kFormat;
    put(json, whole ? "name" : "set", set.name);
    put(json, "createdAt", set.created_at);
    put(json, "target", set.target);
    if (!set.workload_kind.empty()) {
        json["workload"] = {{"kind", set.workload_kind}, {"name", set.workload_name}, {"uid", set.workload_uid}};
        json["replicas"] = set.replicas;
    }
    put(json, "operation", set.operation);
    json["app"] = app_to_json(set.app);
    json["containers"] = containers_to_json(set.containers, whole);
}

void take_common(SnapshotSet& set, const Json& json) {
    set.created_at = text_of(json, "createdAt");
    set.target = text_of(json, "target");
    const Json workload = value_of(json, "workload");
    if (workload.is_object()) {
        set.workload_kind = text_of(workload, "kind");
        set.workload_name = text_of(workload, "name");
        set.workload_uid = text_of(workload, "uid");
    }
    set.replicas = static_cast<int>(std::clamp(number_of(json, "replicas", 0), 0LL, 1LL << 30));
    set.operation = text_of(json, "operation");
    set.app = app_from_json(value_of(json, "app"));
    set.containers = containers_from_json(value_of(json, "containers"));
}

Json set_to_json(const SnapshotSet& set) {
    Json json = Json::object();
    put_common(json, set, true);
    json["complete"] = set.complete;
    json["consistency"] = set.consistency;
    json["skewMilliseconds"] = set.skew_ms;
    json["members"] = Json::array();
    for (const SetMember& member : set.members) json["members"].push_back(member_to_json(member));
    put(json, "workloadManifest", set.workload_manifest);
    if (set.user_labels.is_object() && !set.user_labels.empty()) json["labels"] = set.user_labels;
    if (!set.verified_level.empty()) {
        json["verified"] = {{"level", set.verified_level},
                            {"at", set.verified_at},
                            {"by", set.verified_by},
                            {"detail", set.verified_detail}};
    }
    return json;
}

bool known_consistency(const std::string& text) {
    return text == "group" || text == "quiesced" || text == "stopped" || text == "none";
}

bool by_ordinal(const SetMember& a, const SetMember& b) {
    return a.ordinal != b.ordinal ? a.ordinal < b.ordinal : a.claim < b.claim;
}

Error damaged(const Json& config_map, const std::string& what) {
    const std::string name = label_of(config_map, labels::kSet);
    return {
        ErrorKind::kInvalid,
        "configmap/" + space_of(config_map) + "/" + name_of(config_map) + " is not a readable snapshot set: " + what,
        "its snapshots are intact: see `kubectl snap describe " + (name.empty() ? name_of(config_map) : name) + "`"};
}

}  // namespace

std::string set_config_map_name(const std::string& set_name) { return "holdfast-set-" + set_name; }

std::string set_record(const SnapshotSet& set) {
    return set_to_json(set).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json set_to_config_map(const SnapshotSet& set) {
    Json metadata = {{"name", set_config_map_name(set.name)}, {"namespace", set.space}};
    metadata["labels"] = Json::object();
    if (set.user_labels.is_object()) {
        for (const auto& [key, value] : set.user_labels.items()) metadata["labels"][key] = value;
    }
    metadata["labels"][labels::kManagedBy] = labels::kManagedByValue;
    metadata["labels"][labels::kRole] = "set";
    metadata["labels"][labels::kSet] = set.name;
    put(metadata["labels"], labels::kOperation, set.operation);
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", std::move(metadata)},
            {"data", {{kSetKey, set_record(set)}}}};
}

Result<SnapshotSet> set_from_config_map(const Json& config_map) {
    const std::optional<Json> json = parse_object(text_at(config_map, std::string("/data/") + kSetKey));
    if (!json) return damaged(config_map, "its key set.json is missing or no JSON object");
    const long long format = number_of(*json, "format", 0);
    if (format > kFormat) {
        return Error{ErrorKind::kInvalid,
                     "snapshot set " + space_of(config_map) + "/" + label_of(config_map, labels::kSet) +
                         " was written by a newer version (format " + std::to_string(format) + ")",
                     "upgrade the plugin"};
    }
    SnapshotSet set;
    set.name = text_of(*json, "name");
    if (format < 1 || set.name.empty()) return damaged(config_map, "set.json has no format or no name");
    if (set_config_map_name(set.name) != name_of(config_map)) {
        return damaged(config_map, "set.json is that of another set, " + escape_line(set.name));
    }
    set.space = space_of(config_map);
    set.uid = uid_of(config_map);
    set.resource_version = version_of(config_map);
    take_common(set, *json);
    set.complete = bool_at(*json, "/complete", false);
    set.consistency = text_of(*json, "consistency");
    if (!known_consistency(set.consistency)) return damaged(config_map, "unsupported consistency");
    set.skew_ms = number_of(*json, "skewMilliseconds", 0);
    const Json members = value_of(*json, "members");
    if (!members.is_array() || members.empty()) return damaged(config_map, "it has no members");
    for (const Json& item : members) {
        if (!item.is_object()) return damaged(config_map, "a member is no object");
        set.members.push_back(member_from_json(item));
        if (set.members.back().snapshot.empty()) return damaged(config_map, "a member names no snapshot");
    }
    set.workload_manifest = value_of(*json, "workloadManifest");
    set.user_labels = value_of(*json, "labels");
    set.verified_level = text_at(*json, "/verified/level");
    set.verified_at = text_at(*json, "/verified/at");
    set.verified_by = text_at(*json, "/verified/by");
    set.verified_detail = text_at(*json, "/verified/detail");
    return set;
}

Json member_record(const SnapshotSet& set, const SetMember& member) {
    Json json = Json::object();
    put_common(json, set, false);
    // The first member's database was asked; another ordinal's may be one of its own.
    if (!set.members.empty() && member.claim != set.members.front().claim) {
        AppFacts app = set.app;
        app.system_identifier.clear();
        app.timeline.clear();
        json["app"] = app_to_json(app);
    }
    json["member"] = member_to_json(member);
    return json;
}

Json set_summary(const SnapshotSet& set, bool proven) {
    return {{"count", set.members.size()}, {"consistency", proven ? set.consistency : "none"}};
}

Result<SnapshotSet> set_from_snapshots(const std::string& name, const std::vector<Json>& snapshots) {
    SnapshotSet set;
    set.name = name;
    long long count = 0;
    bool all_cut = true;
    for (const Json& snapshot : snapshots) {
        const std::optional<Json> record = parse_object(annotation_of(snapshot, labels::kRecord));
        if (!record || text_of(*record, "set") != name || !value_of(*record, "member").is_object()) continue;
        SetMember member = member_from_json((*record)["member"]);
        // A copy of a snapshot under another name repeats its record, but is not the member.
        if (member.snapshot != name_of(snapshot)) continue;
        if (set.members.empty()) {
            set.space = space_of(snapshot);
            take_common(set, *record);
        }
        const std::optional<Json> summary = parse_object(annotation_of(snapshot, labels::kSetSummary));
        if (summary) {
            count = std::max(count, number_of(*summary, "count", 0));
            const std::string consistency = text_of(*summary, "consistency");
            if (known_consistency(consistency)) set.consistency = consistency;
        }
        member.snapshot_uid = uid_of(snapshot);
        member.cut_at = text_at(snapshot, "/status/creationTime");
        all_cut = all_cut && !member.cut_at.empty();
        set.members.push_back(std::move(member));
    }
    if (set.members.empty()) {
        return Error{ErrorKind::kNotFound, "no snapshot carries a record of set " + escape_line(name)};
    }
    std::sort(set.members.begin(), set.members.end(), by_ordinal);
    set.complete = all_cut && static_cast<long long>(set.members.size()) == count;
    set.skew_ms = skew_of(set.members);
    return set;
}

long long skew_of(const std::vector<SetMember>& members) {
    std::optional<SystemTime> first, last;
    for (const SetMember& member : members) {
        const Result<SystemTime> cut = parse_time(member.cut_at);
        if (!cut.ok()) continue;
        if (!first || *cut < *first) first = *cut;
        if (!last || *cut > *last) last = *cut;
    }
    if (!first) return 0;
    return std::chrono::duration_cast<std::chrono::milliseconds>(*last - *first).count();
}

}  // namespace holdfast::kube
