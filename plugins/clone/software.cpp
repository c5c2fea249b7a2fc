#include "plugins/clone/software.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

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
constexpr std::array<ByImage, 13> kImages{{{"mongo", Software::kMongo},  // percona-server-mongodb
                                           {"spilo", Software::kPatroni},
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
                                           {"redpanda", Software::kKafka}}};

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
    for (const Placed& one : all_containers(pod_spec)) {
        if (!one.stays) continue;
        Recognised found = in_container(*one.container);
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

}  // namespace holdfast::clone
