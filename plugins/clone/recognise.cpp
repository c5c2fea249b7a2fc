// Software by what its containers are made of: image, environment, command, ports. Servers and what only speaks with
// them are told apart: an application has the variables of its database, too.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/software.h"
#include "plugins/clone/started.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace holdfast::clone {
namespace {

// "registry.example/team/postgres:15@sha256:…" -> "postgres:15"
std::string image_word(const std::string& image) {
    std::string word = to_lower(image.substr(0, image.find('@')));
    const std::size_t slash = word.rfind('/');
    return slash == std::string::npos ? word : word.substr(slash + 1);
}

struct Sign {
    const char* text;
    Software software;
};
// Parts of an image's last word.
constexpr std::array kImages{Sign{"mongo", Software::kMongo},  // percona-server-mongodb
                             Sign{"spilo", Software::kPatroni},
                             Sign{"patroni", Software::kPatroni},
                             Sign{"postgres", Software::kPostgres},
                             Sign{"postgis", Software::kPostgres},
                             Sign{"timescale", Software::kPostgres},
                             Sign{"pgvector", Software::kPostgres},
                             Sign{"mysql", Software::kMySql},
                             Sign{"mariadb", Software::kMySql},
                             Sign{"percona-server", Software::kMySql},
                             Sign{"percona-xtradb", Software::kMySql},
                             Sign{"kafka", Software::kKafka},
                             Sign{"redpanda", Software::kKafka},
                             Sign{"etcd", Software::kEtcd},
                             Sign{"redis", Software::kRedis},
                             Sign{"valkey", Software::kRedis},
                             Sign{"cassandra", Software::kCassandra},
                             Sign{"scylla", Software::kCassandra},
                             Sign{"zookeeper", Software::kZooKeeper},
                             Sign{"elasticsearch", Software::kElastic},
                             Sign{"opensearch", Software::kElastic},
                             Sign{"rabbitmq", Software::kRabbit},
                             Sign{"cockroach", Software::kCockroach},
                             Sign{"consul", Software::kConsul}};

// An exporter or a backup tool of it is not the database.
bool is_companion(const std::string& image) {
    for (const char* word :
         {"exporter", "backup", "wal-g", "pgbouncer", "client", "tools", "-ui", "express", "proxy", "commander",
          "insight", "dashboards", "reaper", "medusa", "operator", "etcdkeeper", "consul-k8s", "consul-template"}) {
        if (image.find(word) != std::string::npos) return true;
    }
    return false;
}

// Beginnings of variables. Of the first kinds their clients have such, too; of the others only what a server alone has.
constexpr std::array kVariables{Sign{"PATRONI_", Software::kPatroni},
                                Sign{"POSTGRES_", Software::kPostgres},
                                Sign{"PGDATA", Software::kPostgres},
                                Sign{"MYSQL_", Software::kMySql},
                                Sign{"MARIADB_", Software::kMySql},
                                Sign{"KAFKA_", Software::kKafka},
                                Sign{"MONGO", Software::kMongo},
                                Sign{"ETCD_INITIAL_", Software::kEtcd},
                                Sign{"ETCD_DATA_DIR", Software::kEtcd},
                                Sign{"ETCD_LISTEN_", Software::kEtcd},
                                Sign{"REDIS_REPLICATION_MODE", Software::kRedis},
                                Sign{"REDIS_CLUSTER_CREATOR", Software::kRedis},
                                Sign{"REDIS_DATA_DIR", Software::kRedis},
                                Sign{"REDIS_AOF_ENABLED", Software::kRedis},
                                Sign{"CASSANDRA_SEEDS", Software::kCassandra},
                                Sign{"CASSANDRA_CLUSTER_NAME", Software::kCassandra},
                                Sign{"ZOO_MY_ID", Software::kZooKeeper},
                                Sign{"ZOO_SERVERS", Software::kZooKeeper},
                                Sign{"ZOOKEEPER_SERVER_ID", Software::kZooKeeper},
                                Sign{"discovery.", Software::kElastic},
                                Sign{"cluster.initial_", Software::kElastic},
                                Sign{"RABBITMQ_NODENAME", Software::kRabbit},
                                Sign{"RABBITMQ_ERLANG_COOKIE", Software::kRabbit},
                                Sign{"CONSUL_LOCAL_CONFIG", Software::kConsul},
                                Sign{"CONSUL_BIND_INTERFACE", Software::kConsul}};

constexpr std::array kServers{Sign{"postgres", Software::kPostgres},
                              Sign{"postmaster", Software::kPostgres},
                              Sign{"pg_ctl", Software::kPostgres},
                              Sign{"patroni", Software::kPatroni},
                              Sign{"mysqld", Software::kMySql},
                              Sign{"mysqld_safe", Software::kMySql},
                              Sign{"mariadbd", Software::kMySql},
                              Sign{"mongod", Software::kMongo},
                              Sign{"kafka-server-start.sh", Software::kKafka},
                              Sign{"etcd", Software::kEtcd},
                              Sign{"redis-server", Software::kRedis},
                              Sign{"redis-sentinel", Software::kRedis},
                              Sign{"valkey-server", Software::kRedis},
                              Sign{"cassandra", Software::kCassandra},
                              Sign{"zkServer.sh", Software::kZooKeeper},
                              Sign{"start-zookeeper", Software::kZooKeeper},
                              Sign{"rabbitmq-server", Software::kRabbit},
                              Sign{"cockroach", Software::kCockroach},
                              Sign{"consul", Software::kConsul}};

constexpr std::array kClients{
    "psql",         "pg_dump", "pg_dumpall",      "pg_restore",    "pg_basebackup", "pg_receivewal", "pgbench",
    "vacuumdb",     "mysql",   "mysqldump",       "mariadb",       "mariadb-dump",  "mongosh",       "mongodump",
    "mongorestore", "mongo",   "redis-cli",       "valkey-cli",    "etcdctl",       "cqlsh",         "zkCli.sh",
    "kafkacat",     "kcat",    "kafka-topics.sh", "rabbitmqadmin", "rabbitmqctl"};

struct Port {
    long long number;
    Software software;
};
constexpr std::array kPorts{Port{5432, Software::kPostgres}, Port{3306, Software::kMySql}, Port{9092, Software::kKafka},
                            Port{27017, Software::kMongo}};

bool among(const std::string& text, std::initializer_list<const char*> all) {
    return std::find(all.begin(), all.end(), text) != all.end();
}

// The first words of a shell's commands.
void take_script(const std::string& script, std::vector<std::string>& programs) {
    bool first = true;
    std::string word;
    const auto end_word = [&] {
        if (word.empty()) return;
        const bool leads = among(word, {"exec", "then", "do", "else", "if", "while", "until", "!", "time", "nohup"}) ||
                           (first && word.find('=') != std::string::npos);
        if (first && !leads) programs.push_back(base_name(word));
        first = first && (leads || ends_with(word, "entrypoint.sh"));
        word.clear();
    };
    for (const char c : script) {
        const bool ends = c == ';' || c == '&' || c == '|' || c == '\n' || c == '(' || c == ')' || c == '{' || c == '}';
        if (ends || c == ' ' || c == '\t')
            end_word();
        else
            word += c;
        first = first || ends;
    }
    end_word();
}

// What it runs, as far as its command and arguments say: "mysqld" of `docker-entrypoint.sh mysqld`, all of a script.
std::vector<std::string> programs_of(const Json& container) {
    std::vector<std::string> programs;
    const std::vector<std::string> words = words_of(container);
    bool shell = false;
    for (const std::string& word : words) {
        if (starts_with(word, "-")) {
            if (shell) continue;
            break;  // it is the program's, as all that follows
        }
        if (shell) {
            take_script(word, programs);
            break;
        }
        const std::string name = base_name(word);
        shell = among(name, {"sh", "bash", "ash", "dash"});
        if (shell) continue;
        programs.push_back(name);
        // These run what follows them.
        if (!ends_with(name, "entrypoint.sh") && !among(name, {"tini", "dumb-init", "env", "exec"})) break;
    }
    return programs;
}

bool runs_server(const std::vector<std::string>& programs) {
    return std::any_of(programs.begin(), programs.end(), [](const std::string& program) {
        return std::any_of(kServers.begin(), kServers.end(), [&](const Sign& one) { return program == one.text; });
    });
}

bool is_client(const std::string& program) {
    return std::find(kClients.begin(), kClients.end(), program) != kClients.end();
}

// Something that may start anything: an entrypoint starts what follows it.
bool runs_script(const std::vector<std::string>& programs) {
    for (std::size_t i = 0; i < programs.size(); ++i) {
        const bool passes_on = ends_with(programs[i], "entrypoint.sh") && i + 1 < programs.size();
        if (ends_with(programs[i], ".sh") && !is_client(programs[i]) && !passes_on) return true;
    }
    return false;
}

bool runs_client(const std::vector<std::string>& programs) {
    return !runs_server(programs) && !runs_script(programs) && std::any_of(programs.begin(), programs.end(), is_client);
}

bool listens(const Json& container, Software software) {
    for (const Json& port : list_of_container(container, "ports")) {
        for (const Port& known : kPorts) {
            if (known.software == software && kube::number_at(port, "/containerPort", 0) == known.number) return true;
        }
    }
    return false;
}

// By these a server is told where its data is, or how to be set up.
bool sets_server_up(const std::string& name) {
    for (const char* part : {"PGDATA", "INITDB", "HOST_AUTH_METHOD", "ROOT_PASSWORD", "DATA_DIR", "REPLICATION_MODE",
                             "NODE_ID", "BROKER_ID", "PROCESS_ROLES", "ADVERTISED_LISTENERS", "SERVER_ID"}) {
        if (name.find(part) != std::string::npos) return true;
    }
    return false;
}

// And by these a client where its server is. family: "POSTGRES", of the variable that was recognised.
bool leads_to_server(const std::string& name, const std::string& family) {
    const bool related = starts_with(name, family) || starts_with(name, "DB_") || starts_with(name, "DATABASE") ||
                         (starts_with(family, "POSTGRES") && starts_with(name, "PG"));
    if (!related) return false;
    for (const char* part : {"MASTER_", "PRIMARY_", "SOURCE_", "ROOT_HOST", "ADVERTISED", "CONTROLLER_"}) {
        if (name.find(part) != std::string::npos) return false;
    }
    for (const char* end : {"HOST", "HOSTS", "HOSTNAME", "SERVER", "SERVERS", "URL", "URI", "DSN", "ADDR", "ADDRESS",
                            "ENDPOINT", "ENDPOINTS", "BROKERS"}) {
        if (ends_with(name, end)) return true;
    }
    return false;
}

Recognised by_environment(const Json& container, const std::vector<std::string>& programs) {
    Recognised found;
    std::string family;
    for (const Sign& known : kVariables) {
        for (const Json& one : list_of_container(container, "env")) {
            const std::string name = kube::text_at(one, "/name");
            if (found.software != Software::kNone || !starts_with(name, known.text)) continue;
            found = {known.software, kube::text_at(container, "/name"), "env " + name};
            family = name.substr(0, name.find('_'));
        }
    }
    const bool shared = found.software == Software::kPostgres || found.software == Software::kMySql ||
                        found.software == Software::kKafka || found.software == Software::kMongo;
    if (!shared) return found;
    bool set_up = false, led = runs_client(programs);
    for (const Json& one : list_of_container(container, "env")) {
        const std::string name = kube::text_at(one, "/name");
        set_up = set_up || sets_server_up(name);
        led = led || leads_to_server(name, family);
    }
    const bool serves = listens(container, found.software) || runs_server(programs);
    if (led && !set_up && !serves) return {};
    found.sure = serves || (set_up && !led);
    return found;
}

Recognised by_program(const Json& container, const std::vector<std::string>& programs) {
    for (const std::string& program : programs) {
        for (const Sign& known : kServers) {
            if (program == known.text) return {known.software, kube::text_at(container, "/name"), "command " + program};
        }
    }
    return {};
}

Recognised in_container(const Json& container) {
    const std::string image = image_word(kube::text_at(container, "/image"));
    const std::string name = kube::text_at(container, "/name");
    const std::vector<std::string> programs = programs_of(container);
    const bool companion = is_companion(image);
    Recognised found;
    for (const Sign& known : kImages) {
        if (companion || runs_client(programs) || image.find(known.text) == std::string::npos) continue;
        found = {known.software, name, "image " + image};
        // Its own entrypoint is not run, and what is may be no server. The others join by how they are set, too.
        const bool by_disk = known.software == Software::kPostgres || known.software == Software::kMySql;
        found.sure = !by_disk || list_of_container(container, "command").empty() || runs_server(programs);
        break;
    }
    const Recognised environment = by_environment(container, programs);
    const bool patroni = environment.software == Software::kPatroni;
    if (patroni || (found.software == Software::kNone && !companion)) found = environment;
    if (found.software == Software::kNone && !companion) found = by_program(container, programs);
    for (const std::string& word : words_of(container)) {
        if (word.find("patroni") != std::string::npos) return {Software::kPatroni, name, "command"};
    }
    return found;
}

}  // namespace

std::vector<Recognised> recognise_all(const Json& pod_spec) {
    std::vector<Recognised> all;
    for (const Placed& one : all_containers(pod_spec)) {
        if (!one.stays) continue;
        Recognised found = in_container(*one.container);
        if (found.software != Software::kNone) all.push_back(std::move(found));
    }
    const auto has = [&](Software software, bool sure) {
        return std::any_of(all.begin(), all.end(),
                           [&](const Recognised& one) { return one.software == software && (one.sure || !sure); });
    };
    std::vector<Recognised> kept;
    for (const Recognised& one : all) {
        const bool of_patroni = one.software == Software::kPostgres && has(Software::kPatroni, false);
        const bool client = !one.sure && has(one.software, true);
        if (!of_patroni && !client) kept.push_back(one);
    }
    return kept;
}

Recognised recognise(const Json& pod_spec) {
    const std::vector<Recognised> all = recognise_all(pod_spec);
    for (const bool sure : {true, false}) {
        for (const Recognised& one : all) {
            if (one.software == Software::kPatroni || (one.sure == sure)) return one;
        }
    }
    return {};
}

}  // namespace holdfast::clone
