#include "plugins/clone/software.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace holdfast::clone {
namespace {

// The folder of the table system.local, whose id is the same everywhere.
constexpr char kCassandraLocal[] = "local-7ad54392bcdd35a684174e047860b377";
// Names that recognise_files knows.
constexpr std::array kTelling{"patroni.dynamic.json",
                              "PG_VERSION",
                              "pg_control",
                              "auto.cnf",
                              "ibdata1",
                              "mysql",
                              "meta.properties",
                              "recovery-point-offset-checkpoint",
                              "__cluster_metadata-0",
                              "WiredTiger",
                              "storage.bson",
                              "db",  // member/snap/db
                              "nodes.conf",
                              "sentinel.conf",
                              "dump.rdb",
                              "appendonly.aof",
                              "appendonlydir",
                              kCassandraLocal,
                              "myid",
                              "version-2",
                              "node.lock",
                              "_state",
                              "cluster_nodes.config",
                              "cockroach.advertise-addr",
                              "node-id",
                              "raft.db"};
constexpr char kLooked[] = "/holdfast-looked";  // the last line of a look that saw everything

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
        case Software::kEtcd:
            return "etcd";
        case Software::kRedis:
            return "Redis";
        case Software::kCassandra:
            return "Cassandra";
        case Software::kZooKeeper:
            return "ZooKeeper";
        case Software::kElastic:
            return "Elasticsearch or OpenSearch";
        case Software::kRabbit:
            return "RabbitMQ";
        case Software::kCockroach:
            return "CockroachDB";
        case Software::kConsul:
            return "Consul";
    }
    return "";
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
    if (has("member/snap/db")) return Software::kEtcd;
    const bool redis = has("dump.rdb") || has("appendonly.aof") || has("appendonlydir");
    if (has("sentinel.conf") || (redis && has("nodes.conf"))) return Software::kRedis;
    if (has(kCassandraLocal)) return Software::kCassandra;
    if (has("myid") && has("version-2")) return Software::kZooKeeper;
    if (has("node.lock") && has("_state")) return Software::kElastic;
    if (has("cluster_nodes.config")) return Software::kRabbit;
    if (has("cockroach.advertise-addr")) return Software::kCockroach;
    if (has("node-id") && has("raft.db")) return Software::kConsul;
    return Software::kNone;
}

Mounted mounts_of_claims(const Json& pod_spec, const std::string& container) {
    const auto claims = kube::claims_of_pod_spec(pod_spec);
    Mounted first;
    for (const Json& one : containers_in(pod_spec)) {
        Mounted found;
        for (const Json& mount : list_of_container(one, "volumeMounts")) {
            if (claims.contains(kube::text_at(mount, "/name")))
                found.folders.push_back(kube::text_at(mount, "/mountPath"));
        }
        if (found.folders.empty()) continue;
        found.container = kube::text_at(one, "/name");
        if (found.container == container) return found;
        if (first.folders.empty()) first = std::move(found);
    }
    return first;
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
    return script + " \\) 2>/dev/null && echo " + kLooked + "; true";
}

bool saw_everything(const std::vector<std::string>& paths) {
    return std::find(paths.begin(), paths.end(), kLooked) != paths.end();
}

constexpr char kByFiles[] = "files on its volumes";

bool Recognised::by_files() const { return by == kByFiles; }

Recognised with_files(const Recognised& recognised, const std::string& container,
                      const std::vector<std::string>& files) {
    const Software found = recognise_files(files);
    Recognised by_files{found, container, kByFiles};
    if (recognised.software == Software::kNone) return found == Software::kNone ? recognised : by_files;
    // An image that is called postgres may well run under Patroni.
    if (recognised.software == Software::kPostgres && found == Software::kPatroni) return by_files;
    if (!recognised.sure && found != Software::kNone && found != recognised.software) return by_files;
    const bool none = found == Software::kNone && !recognised.sure && saw_everything(files);
    return none ? Recognised{} : recognised;
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
    return R"sh(export PGPASSWORD="${PGPASSWORD:-${PATRONI_SUPERUSER_PASSWORD:-}}"
psql -qtAX -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-${PATRONI_SUPERUSER_USERNAME:-postgres}}" -d postgres <<'SQL'
select 'standby=' || pg_is_in_recovery();
select 'archive=' || setting from pg_settings where name = 'archive_mode';
select 'follows=' || count(*) from pg_settings where name in ('primary_conninfo', 'restore_command') and setting <> '';
select 'fetches=' || count(*) from pg_settings where name = 'restore_command' and setting <> '';
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
    ties.fetches = count_in(values, "fetches") > 0;
    ties.slots = count_in(values, "slots");
    ties.subscriptions = count_in(values, "subscriptions");
    return ties;
}

}  // namespace holdfast::clone
