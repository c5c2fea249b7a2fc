// By what each kind of software is recognised, each sign by itself: one that is forgotten lets a clone join its source.
#include "by_image.h"
#include "plugins/clone/software.h"
#include "scene.h"

#include "common/core/text.h"
#include "common/os/files.h"
#include "common/os/subprocess.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

struct Signs {
    Software software;
    std::vector<std::string> images, variables;
    std::vector<std::vector<std::string>> files;  // each row is enough
};

// Each row of files without any one of its names tells nothing.
const std::vector<Signs> kSigns = {
    {Software::kPatroni,
     {"ghcr.io/zalando/spilo-15:3.0", "team/patroni:3"},
     {"PATRONI_SCOPE"},
     {{"pgdata/patroni.dynamic.json"}}},
    {Software::kPostgres,
     {"postgres:16", "bitnami/postgresql:15", "postgis/postgis:15", "timescale/timescaledb:latest",
      "pgvector/pgvector:pg16"},
     {"POSTGRES_DB", "PGDATA"},
     {{"pgdata/PG_VERSION", "pgdata/global/pg_control"}}},
    {Software::kMySql,
     {"mysql:8.4", "bitnami/mariadb:11", "percona/percona-server:8.0", "percona/percona-xtradb-cluster:8.0"},
     {"MYSQL_DATABASE", "MARIADB_DATABASE"},
     {{"auto.cnf"}, {"ibdata1", "mysql/db.frm"}}},
    {Software::kKafka,
     {"confluentinc/cp-kafka:7.6.0", "redpandadata/redpanda:v24"},
     {"KAFKA_NODE_ID"},
     {{"meta.properties", "recovery-point-offset-checkpoint"},
      {"meta.properties", "__cluster_metadata-0/quorum-state"}}},
    {Software::kMongo,
     {"mongo:7", "bitnami/mongodb:7.0"},
     {"MONGO_INITDB_ROOT_USERNAME"},
     {{"WiredTiger", "storage.bson"}}},
    {Software::kEtcd,
     {"quay.io/coreos/etcd:v3.5.9", "bitnami/etcd:3.6"},
     {"ETCD_INITIAL_CLUSTER", "ETCD_DATA_DIR", "ETCD_LISTEN_PEER_URLS"},
     {{"etcd/member/snap/db"}}},
    {Software::kRedis,
     {"redis:7", "bitnami/redis-cluster:7.2", "valkey/valkey:8", "bitnami/redis-sentinel:7"},
     {"REDIS_REPLICATION_MODE", "REDIS_CLUSTER_CREATOR", "REDIS_DATA_DIR", "REDIS_AOF_ENABLED"},
     {{"nodes.conf", "dump.rdb"},
      {"nodes.conf", "appendonly.aof"},
      {"nodes.conf", "appendonlydir/appendonly.aof.1.base.rdb"},
      {"sentinel.conf"}}},
    {Software::kCassandra,
     {"cassandra:4.1", "scylladb/scylla:6"},
     {"CASSANDRA_SEEDS", "CASSANDRA_CLUSTER_NAME"},
     {{"data/system/local-7ad54392bcdd35a684174e047860b377/nb-1-big-Data.db"}}},
    {Software::kZooKeeper,
     {"zookeeper:3.9", "confluentinc/cp-zookeeper:7"},
     {"ZOO_MY_ID", "ZOO_SERVERS", "ZOOKEEPER_SERVER_ID"},
     {{"data/myid", "data/version-2/log.100000001"}}},
    {Software::kElastic,
     {"docker.elastic.co/elasticsearch/elasticsearch:8.15.0", "opensearchproject/opensearch:2"},
     {"discovery.seed_hosts", "discovery.type", "cluster.initial_master_nodes"},
     {{"node.lock", "_state/segments_4"}}},
    {Software::kRabbit,
     {"rabbitmq:3.13-management"},
     {"RABBITMQ_NODENAME", "RABBITMQ_ERLANG_COOKIE"},
     {{"mnesia/rabbit@a/cluster_nodes.config"}}},
    {Software::kCockroach, {"cockroachdb/cockroach:v24.1.0"}, {}, {{"cockroach.advertise-addr"}}},
    {Software::kConsul,
     {"hashicorp/consul:1.19"},
     {"CONSUL_LOCAL_CONFIG", "CONSUL_BIND_INTERFACE"},
     {{"node-id", "raft/raft.db"}}}};

// What the script that looks at the volumes of a pod finds in a folder that has these files.
Software found_on(const std::vector<std::string>& files) {
    auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::filesystem::path root = (*folder).path();
    for (const std::string& one : files) {
        std::filesystem::create_directories((root / "volume" / one).parent_path());
        std::ofstream(root / "volume" / one) << "x";
    }
    std::filesystem::create_directories(root / "volume/base");
    Command command;
    command.argv = {"/bin/sh", "-c", files_script({(root / "volume").string()})};
    command.environment = {{"PATH", "/usr/bin:/bin"}};
    const auto ran = run_command(command);
    REQUIRE(ran.ok());
    CHECK(saw_everything(split(ran->out, '\n')));
    return recognise_files(split(ran->out, '\n'));
}

// A container with this image, command and arguments, and these variables, each "NAME=VALUE".
Json runs(const std::string& image, const std::vector<std::string>& command, const std::vector<std::string>& args,
          const std::vector<std::string>& values = {}) {
    Json spec = pod_of(image);
    Json& container = spec["containers"][0];
    if (!command.empty()) container["command"] = command;
    if (!args.empty()) container["args"] = args;
    for (const std::string& one : values) {
        const std::size_t at = one.find('=');
        container["env"].push_back({{"name", one.substr(0, at)}, {"value", one.substr(at + 1)}});
    }
    return spec;
}

}  // namespace

TEST_SUITE("clone recognised") {
    TEST_CASE("by each image, though nothing else tells") {
        for (const Signs& one : kSigns) {
            for (const std::string& image : one.images) {
                CAPTURE(image);
                CHECK(recognise(pod_of(image)).software == one.software);
            }
        }
    }

    TEST_CASE("by each variable, though the image tells nothing") {
        for (const Signs& one : kSigns) {
            for (const std::string& name : one.variables) {
                CAPTURE(name);
                const Recognised found =
                    recognise(pod_of("team/db:1", Json::array({{{"name", name}, {"value", "x"}}})));
                CHECK(found.software == one.software);
                CHECK(found.by == "env " + name);
            }
        }
    }

    TEST_CASE("by its files, as the script that looks at a pod's volumes prints them") {
        for (const Signs& one : kSigns) {
            for (const std::vector<std::string>& files : one.files) {
                CAPTURE(files.front());
                CHECK(found_on(files) == one.software);
                for (std::size_t i = 0; i < files.size(); ++i) {
                    std::vector<std::string> fewer = files;
                    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
                    CHECK(found_on(fewer) == Software::kNone);
                }
            }
        }
        CHECK(found_on({"index.html"}) == Software::kNone);
    }

    TEST_CASE("a look that did not see everything, or did not come to its end, does not count as one") {
        const auto script = files_script({"/nowhere/to/be/found"});
        Command command;
        command.argv = {"/bin/sh", "-c", script};
        command.environment = {{"PATH", "/usr/bin:/bin"}};
        const auto ran = run_command(command);
        REQUIRE(ran.ok());
        CHECK(ran->exit_code == 0);
        CHECK_FALSE(saw_everything(split(ran->out, '\n')));
        CHECK_FALSE(saw_everything({}));
    }

    TEST_CASE("what its volumes have decides where nothing else does") {
        const std::vector<std::string> nothing = {"/holdfast-looked"}, stopped = {},
                                       postgres = {"/d/PG_VERSION", "/d/global/pg_control", "/holdfast-looked"},
                                       patroni = {"/d/patroni.dynamic.json"};
        const Recognised none, sure{Software::kPostgres, "db", "image postgres"},
            unsure{Software::kPostgres, "db", "env POSTGRES_DB", false};
        CHECK(with_files(none, "app", nothing).software == Software::kNone);
        CHECK(with_files(none, "app", postgres).software == Software::kPostgres);
        CHECK(with_files(none, "app", postgres).container == "app");
        CHECK(with_files(unsure, "db", nothing).software == Software::kNone);
        CHECK(with_files(unsure, "db", stopped).software == Software::kPostgres);
        CHECK(with_files(unsure, "db", postgres).by == "env POSTGRES_DB");
        CHECK(with_files(sure, "db", nothing).software == Software::kPostgres);
        CHECK(with_files(sure, "db", patroni).software == Software::kPatroni);
        CHECK(with_files({Software::kMySql, "db", "image mysql"}, "db", patroni).software == Software::kMySql);
    }

    TEST_CASE("an application that is told where its database is, is none") {
        for (const std::vector<std::string>& values :
             {std::vector<std::string>{"POSTGRES_HOST=postgres", "POSTGRES_DB=shop", "POSTGRES_USER=shop"},
              {"POSTGRES_DB=shop", "PGHOST=postgres"},
              {"POSTGRES_PASSWORD=x", "DATABASE_URL=postgres://postgres/shop"},
              {"MYSQL_HOST=mysql", "MYSQL_DATABASE=shop"},
              {"MARIADB_DATABASE=shop", "DB_HOST=mariadb"},
              {"KAFKA_BROKERS=kafka:9092", "KAFKA_TOPIC=orders"},
              {"KAFKA_BOOTSTRAP_SERVERS=kafka:9092"},
              {"MONGODB_URI=mongodb://mongo"},
              {"REDIS_HOST=redis", "REDIS_PASSWORD=x"},
              {"ETCD_ENDPOINTS=http://etcd:2379"}}) {
            CAPTURE(values.front());
            CHECK(recognise(runs("team/shop:1", {}, {}, values)).software == Software::kNone);
        }
    }

    TEST_CASE("a server keeps being one, whatever leads it somewhere") {
        CHECK(recognise(runs("team/db:1", {}, {}, {"PGDATA=/data", "PGHOST=127.0.0.1"})).software ==
              Software::kPostgres);
        Json listening = runs("team/db:1", {}, {}, {"POSTGRES_DB=shop", "POSTGRES_HOST=0.0.0.0"});
        CHECK(recognise(listening).software == Software::kNone);
        listening["containers"][0]["ports"] = Json::array({{{"containerPort", 5432}}});
        CHECK(recognise(listening).software == Software::kPostgres);
        CHECK(recognise(listening).sure);
        CHECK(recognise(runs("team/db:1", {}, {"mysqld"}, {"MYSQL_HOST=0.0.0.0"})).software == Software::kMySql);
        CHECK(recognise(runs("team/db:1", {}, {}, {"MYSQL_ROOT_PASSWORD=x", "MYSQL_MASTER_HOST=m"})).sure);
        // What is common to both tells neither.
        const Recognised either = recognise(runs("team/db:1", {}, {}, {"POSTGRES_DB=shop", "POSTGRES_USER=shop"}));
        CHECK(either.software == Software::kPostgres);
        CHECK_FALSE(either.sure);
        CHECK_FALSE(recognise(runs("team/db:1", {}, {}, {"MYSQL_ROOT_PASSWORD=x", "MYSQL_HOST=m"})).sure);
    }

    TEST_CASE("a database's image that runs a client of it is none") {
        for (const std::vector<std::string>& command :
             {std::vector<std::string>{"pg_dump", "-h", "postgres", "-f", "/dumps/today"},
              {"/usr/bin/psql", "-c", "select 1"},
              {"sh", "-c", "while true; do pg_dump -h postgres shop >/dumps/$(date +%a); sleep 86400; done"},
              {"/bin/bash", "-ec", "PGPASSWORD=x exec pg_basebackup -D /copy"}}) {
            CAPTURE(command.back());
            CHECK(recognise(runs("postgres:16", command, {})).software == Software::kNone);
        }
        CHECK(recognise(runs("postgres:16", {}, {"psql", "-h", "postgres"})).software == Software::kNone);
        CHECK(recognise(runs("postgres:16", {"docker-entrypoint.sh"}, {"psql"})).software == Software::kNone);
        CHECK(recognise(runs("mysql:8", {"mysqldump"}, {"--all-databases"})).software == Software::kNone);
        CHECK(recognise(runs("redis:7", {"redis-cli"}, {"monitor"})).software == Software::kNone);
    }

    TEST_CASE("and one that starts the server, however, is one") {
        for (const std::vector<std::string>& command :
             {std::vector<std::string>{"postgres"},
              {"docker-entrypoint.sh", "postgres"},
              {"sh", "-c",
               "docker-entrypoint.sh postgres & until pg_isready; do sleep 1; done; psql -f /setup.sql; wait"},
              {"bash", "-c", "exec gosu postgres /usr/lib/postgresql/16/bin/postgres -D /data"}}) {
            CAPTURE(command.back());
            CHECK(recognise(runs("postgres:16", command, {})).software == Software::kPostgres);
        }
        CHECK(recognise(runs("postgres:16", {}, {"-c", "max_connections=10"})).sure);
        CHECK(recognise(runs("mysql:8", {}, {"--user", "mysql", "--datadir", "/var/lib/mysql"})).sure);
        // What a script of its own starts nobody sees from here: only its volumes tell.
        const Recognised script = recognise(runs("postgres:16", {"/scripts/start.sh"}, {}));
        CHECK(script.software == Software::kPostgres);
        CHECK_FALSE(script.sure);
        CHECK_FALSE(recognise(runs("postgres:16", {"sleep"}, {"infinity"})).sure);
        // Beside an application, a server is what counts.
        Json both = runs("team/shop:1", {}, {}, {"POSTGRES_DB=shop"});
        both["containers"].push_back({{"name", "server"}, {"image", "mysql:8"}});
        CHECK(recognise(both).container == "server");
    }
}
