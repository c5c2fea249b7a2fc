#include "plugins/clone/software.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace holdfast::clone {
namespace {

// "registry.example/team/postgres:15@sha256:…" -> "postgres:15"
std::string image_word(const std::string& image) {
    std::string word = to_lower(image.substr(0, image.find('@')));
    const std::size_t slash = word.rfind('/');
    return slash == std::string::npos ? word : word.substr(slash + 1);
}

struct ByImage {
    const char* part;
    Software software;
};
constexpr std::array<ByImage, 13> kImages{{{"spilo", Software::kPatroni},
                                           {"patroni", Software::kPatroni},
                                           {"postgres", Software::kPostgres},
                                           {"postgis", Software::kPostgres},
                                           {"timescale", Software::kPostgres},
                                           {"pgvector", Software::kPostgres},
                                           {"mysql", Software::kMySql},
                                           {"mariadb", Software::kMySql},
                                           {"percona-server", Software::kMySql},
                                           {"percona-xtradb", Software::kMySql},
                                           {"kafka", Software::kKafka},
                                           {"redpanda", Software::kKafka},
                                           {"mongo", Software::kMongo}}};

// An exporter or a backup tool of it is not the database.
bool is_companion(const std::string& image) {
    for (const char* word :
         {"exporter", "backup", "wal-g", "pgbouncer", "client", "tools", "-ui", "express", "proxy"}) {
        if (image.find(word) != std::string::npos) return true;
    }
    return false;
}

struct ByEnvironment {
    const char* prefix;
    Software software;
};
constexpr std::array<ByEnvironment, 7> kEnvironments{{{"PATRONI_", Software::kPatroni},
                                                      {"POSTGRES_", Software::kPostgres},
                                                      {"PGDATA", Software::kPostgres},
                                                      {"MYSQL_", Software::kMySql},
                                                      {"MARIADB_", Software::kMySql},
                                                      {"KAFKA_", Software::kKafka},
                                                      {"MONGO", Software::kMongo}}};

const Json& list_of_container(const Json& container, const char* key) {
    static const Json kNone = Json::array();
    const auto found = container.find(key);
    return found != container.end() && found->is_array() ? *found : kNone;
}

const Json& containers_in(const Json& pod_spec) {
    static const Json kNone = Json::array();
    if (!pod_spec.is_object()) return kNone;
    return list_of_container(pod_spec, "containers");
}

std::vector<std::string> words_of(const Json& container) {
    std::vector<std::string> words;
    for (const char* key : {"command", "args"}) {
        for (const Json& one : list_of_container(container, key)) {
            if (one.is_string()) words.push_back(one.get<std::string>());
        }
    }
    return words;
}

Recognised by_environment(const Json& container) {
    for (const ByEnvironment& known : kEnvironments) {
        for (const Json& one : list_of_container(container, "env")) {
            const std::string name = kube::text_at(one, "/name");
            if (starts_with(name, known.prefix))
                return {known.software, kube::text_at(container, "/name"), "env " + name};
        }
    }
    return {};
}

Recognised in_container(const Json& container) {
    const std::string image = image_word(kube::text_at(container, "/image"));
    const std::string name = kube::text_at(container, "/name");
    Recognised found;
    if (!is_companion(image)) {
        for (const ByImage& known : kImages) {
            if (image.find(known.part) == std::string::npos) continue;
            found = {known.software, name, "image " + image};
            break;
        }
    }
    const Recognised environment = by_environment(container);
    const bool patroni = environment.software == Software::kPatroni;
    if (patroni || (found.software == Software::kNone && !is_companion(image))) found = environment;
    for (const std::string& word : words_of(container)) {
        if (word.find("patroni") != std::string::npos) return {Software::kPatroni, name, "command"};
    }
    return found;
}

// Names that recognise_files knows.
constexpr std::array<const char*, 11> kTelling{"patroni.dynamic.json",
                                               "PG_VERSION",
                                               "pg_control",
                                               "auto.cnf",
                                               "ibdata1",
                                               "mysql",
                                               "meta.properties",
                                               "recovery-point-offset-checkpoint",
                                               "__cluster_metadata-0",
                                               "WiredTiger",
                                               "storage.bson"};

// Literal values of variables that one of these prefixes names, of all containers.
std::map<std::string, std::string> variables(const Json& pod_spec, const std::vector<std::string>& prefixes) {
    std::map<std::string, std::string> found;
    for (const Json& container : containers_in(pod_spec)) {
        for (const Json& one : list_of_container(container, "env")) {
            const std::string name = kube::text_at(one, "/name");
            const bool wanted = std::any_of(prefixes.begin(), prefixes.end(),
                                            [&](const std::string& prefix) { return starts_with(name, prefix); });
            if (wanted) found[kube::text_at(container, "/name") + "/" + name] = one.dump();
        }
    }
    return found;
}

// Or may, in a file that is not seen from here.
bool names_replica_set(const Json& pod_spec) {
    for (const Json& container : containers_in(pod_spec)) {
        for (const std::string& word : words_of(container)) {
            if (word.find("replSet") != std::string::npos || word == "-f" || starts_with(word, "--config")) return true;
        }
    }
    return !variables(pod_spec, {"MONGODB_REPLICA_SET", "MONGO_REPLICA_SET"}).empty();
}

// Settings on the server's command line are stronger than those that isolation writes.
std::string overriding_argument(const Json& pod_spec) {
    for (const Json& container : containers_in(pod_spec)) {
        for (const std::string& word : words_of(container)) {
            for (const char* setting : {"archive_mode", "archive_command", "archive_library", "primary_conninfo",
                                        "restore_command", "primary_slot_name"}) {
                if (word.find(setting) != std::string::npos) return setting;
            }
        }
    }
    return "";
}

Error would_join(const CloneOptions& options, const Joining& joining, const std::string& how, const std::string& hint) {
    return refused(options.source.text() + " is " + software_name(joining.recognised.software) + " (" +
                       joining.recognised.by + " of container " + joining.recognised.container + "): " + how,
                   hint);
}

Status check_postgres(const CloneOptions& options, const Joining& joining, const Json& made) {
    if (options.isolated) {
        const std::string setting = overriding_argument(made);
        if (setting.empty()) return {};
        return would_join(options, joining,
                          "its arguments set " + setting + ", which is stronger than what --isolated writes",
                          "take it out of the clone's arguments with --set");
    }
    for (const auto& [pod, ties] : joining.ties) {
        if (!ties)
            return would_join(
                options, joining,
                "whether it archives, follows a primary, has replication slots or subscriptions could not be "
                "asked in pod/" +
                    pod + ", and a clone would have them too",
                "--isolated takes them out of the clone before it starts");
        if (!ties->text().empty())
            return would_join(options, joining, "in pod/" + pod + " " + ties->text() + ", and so would the clone",
                              "--isolated takes them out of the clone before it starts");
    }
    if (!joining.ties.empty()) return {};
    return would_join(options, joining, "no pod of it runs that could be asked whether it archives or replicates",
                      "--isolated takes archiving, slots and subscriptions out of the clone before it starts");
}

Status check_set_apart(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made,
                       const std::vector<std::string>& prefixes, const std::string& how, const std::string& hint) {
    const auto before = variables(source, prefixes), after = variables(made, prefixes);
    if (before != after && !after.empty()) return {};
    return would_join(options, joining, how, hint);
}

int count_in(const std::map<std::string, std::string>& values, const char* key) {
    const auto found = values.find(key);
    int count = 0;
    if (found != values.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), count);
    return count;
}

}  // namespace

std::string software_name(Software software) {
    switch (software) {
        case Software::kNone:
            return "";
        case Software::kPostgres:
            return "PostgreSQL";
        case Software::kPatroni:
            return "Patroni";
        case Software::kMySql:
            return "MySQL";
        case Software::kKafka:
            return "Kafka";
        case Software::kMongo:
            return "MongoDB";
    }
    return "";
}

Recognised recognise(const Json& pod_spec) {
    Recognised first;
    for (const Json& container : containers_in(pod_spec)) {
        Recognised found = in_container(container);
        if (found.software == Software::kPatroni) return found;
        if (first.software == Software::kNone) first = found;
    }
    return first;
}

Software recognise_files(const std::vector<std::string>& paths) {
    const auto has = [&](const std::string& name) {
        return std::any_of(paths.begin(), paths.end(),
                           [&](const std::string& path) { return path == name || ends_with(path, "/" + name); });
    };
    if (has("patroni.dynamic.json")) return Software::kPatroni;
    if (has("PG_VERSION") && has("pg_control")) return Software::kPostgres;
    if (has("auto.cnf") || (has("ibdata1") && has("mysql"))) return Software::kMySql;
    if (has("meta.properties") && (has("recovery-point-offset-checkpoint") || has("__cluster_metadata-0")))
        return Software::kKafka;
    if (has("WiredTiger") && has("storage.bson")) return Software::kMongo;
    return Software::kNone;
}

Mounted mounts_of_claims(const Json& pod_spec) {
    const auto claims = kube::claims_of_pod_spec(pod_spec);
    Mounted found;
    for (const Json& container : containers_in(pod_spec)) {
        for (const Json& mount : list_of_container(container, "volumeMounts")) {
            if (claims.contains(kube::text_at(mount, "/name")))
                found.folders.push_back(kube::text_at(mount, "/mountPath"));
        }
        if (found.folders.empty()) continue;
        found.container = kube::text_at(container, "/name");
        break;
    }
    return found;
}

std::string files_script(const std::vector<std::string>& folders) {
    std::string script = "find";
    for (const std::string& folder : folders) script += " " + shell_quote(folder);
    script += " -maxdepth 4 \\(";
    bool first = true;
    for (const char* name : kTelling) {
        script += std::string(first ? "" : " -o") + " -name " + name;
        first = false;
    }
    return script + " \\) 2>/dev/null; true";
}

std::string Ties::text() const {
    std::vector<std::string> parts;
    if (standby) parts.push_back("it is a standby");
    if (archives) parts.push_back("it archives its WAL");
    if (follows) parts.push_back("it knows a primary or an archive to follow");
    if (slots > 0)
        parts.push_back("it has " + std::to_string(slots) + (slots == 1 ? " replication slot" : " replication slots"));
    if (subscriptions > 0)
        parts.push_back("it has " + std::to_string(subscriptions) +
                        (subscriptions == 1 ? " subscription" : " subscriptions"));
    return join(parts, ", ");
}

std::string ties_script() {
    return R"sh(psql -qtAX -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
select 'standby=' || pg_is_in_recovery();
select 'archive=' || setting from pg_settings where name = 'archive_mode';
select 'follows=' || count(*) from pg_settings where name in ('primary_conninfo', 'restore_command') and setting <> '';
select 'slots=' || count(*) from pg_replication_slots;
select 'subscriptions=' || count(subname) from pg_subscription;
SQL
)sh";
}

std::optional<Ties> parse_ties(const std::string& printed) {
    std::map<std::string, std::string> values;
    for (const std::string& line : split(printed, '\n')) {
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos) values[line.substr(0, equals)] = std::string(trim(line.substr(equals + 1)));
    }
    for (const char* key : {"standby", "archive", "slots", "subscriptions"}) {
        if (!values.contains(key)) return std::nullopt;
    }
    Ties ties;
    ties.standby = values["standby"] == "true";
    ties.archives = values["archive"] != "off";
    ties.follows = count_in(values, "follows") > 0;
    ties.slots = count_in(values, "slots");
    ties.subscriptions = count_in(values, "subscriptions");
    return ties;
}

Status check_joining(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    switch (joining.recognised.software) {
        case Software::kNone:
            return {};
        case Software::kPostgres:
            return check_postgres(options, joining, made);
        case Software::kPatroni:
            return check_set_apart(options, joining, source, made, {"PATRONI_SCOPE", "SCOPE"},
                                   "under the same scope the clone would join the source's cluster",
                                   "give it one of its own: --env PATRONI_SCOPE=" + options.name);
        case Software::kMySql:
            return check_set_apart(options, joining, source, made, {"MYSQL_SERVER_ID", "MYSQL_REPLICATION_MODE"},
                                   "the clone has the source's server_uuid (auto.cnf) and its replication settings",
                                   "remove auto.cnf in a copy of its claims, or say how it is to start: --env "
                                   "MYSQL_SERVER_ID=N");
        case Software::kKafka:
            return check_set_apart(
                options, joining, source, made,
                {"KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_CFG_ZOOKEEPER_CONNECT",
                 "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS"},
                "with the source's cluster.id (meta.properties) and controllers the clone would register "
                "with the source's cluster",
                "name controllers of its own, for example --env KAFKA_CONTROLLER_QUORUM_VOTERS=...");
        case Software::kMongo:
            if (!names_replica_set(made)) return {};
            return would_join(options, joining,
                              "its replica set's configuration is on the disk, and with the set's name the clone would "
                              "join it",
                              "start it alone: take --replSet and --config out of the clone's arguments with --set");
    }
    return {};
}

}  // namespace holdfast::clone
