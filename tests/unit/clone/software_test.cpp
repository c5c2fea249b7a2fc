#include "plugins/clone/software.h"
#include "by_image.h"
#include "plugins/clone/variables.h"
#include "scene.h"

#include "common/core/text.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Software by_image(const std::string& image) { return recognise(pod_of(image)).software; }

Status software_joins(const Json& source, const Json& made, bool isolated = false,
                      std::map<std::string, std::optional<Ties>> ties = {}) {
    CloneOptions wanted = whole();
    wanted.isolated = isolated;
    return check_joining(wanted, {recognise(source), std::move(ties)}, source, made);
}

}  // namespace

TEST_SUITE("clone software") {
    TEST_CASE("databases are recognised by their images, companions are not") {
        CHECK(by_image("docker.io/library/postgres:16@sha256:abc") == Software::kPostgres);
        CHECK(by_image("timescale/timescaledb:latest-pg15") == Software::kPostgres);
        CHECK(by_image("ghcr.io/zalando/spilo-15:3.0") == Software::kPatroni);
        CHECK(by_image("mysql:8.4") == Software::kMySql);
        CHECK(by_image("bitnami/mariadb:11") == Software::kMySql);
        CHECK(by_image("confluentinc/cp-kafka:7.6.0") == Software::kKafka);
        CHECK(by_image("mongo:7") == Software::kMongo);
        CHECK(by_image("percona/percona-server-mongodb:7.0") == Software::kMongo);
        CHECK(by_image("percona/percona-server:8.0") == Software::kMySql);
        CHECK(by_image("quay.io/prometheuscommunity/postgres-exporter:v0.15") == Software::kNone);
        CHECK(by_image("nginx:1.27") == Software::kNone);
    }

    TEST_CASE("by environment and command where the image says nothing; Patroni before its Postgres") {
        CHECK(recognise(pod_of("team/db:1", Json::array({variable("PGDATA", "/data")}))).software ==
              Software::kPostgres);
        const auto patroni = recognise(pod_of("team/postgres:1", Json::array({variable("PATRONI_SCOPE", "shop")})));
        CHECK(patroni.software == Software::kPatroni);
        CHECK(patroni.by == "env PATRONI_SCOPE");
        CHECK(recognise(pod_of("team/db:1", Json::array(), Json::array({"patroni", "/etc/patroni.yml"}))).software ==
              Software::kPatroni);
    }

    // Recorded beside real servers; mysql (8) and mongodb as their documentation and sources name the files.
    TEST_CASE("by whole volumes of each of them") {
        const auto on_volume = [](const std::string& name) {
            return recognise_files(split(golden::read("clone/volumes/" + name + ".txt"), '\n'));
        };
        CHECK(on_volume("postgres") == Software::kPostgres);
        CHECK(on_volume("mariadb") == Software::kMySql);
        CHECK(on_volume("mysql") == Software::kMySql);
        CHECK(on_volume("mysql56") == Software::kMySql);
        CHECK(on_volume("kafka") == Software::kKafka);
        CHECK(on_volume("mongodb") == Software::kMongo);
        CHECK(on_volume("website") == Software::kNone);
    }

    TEST_CASE("what is looked for in a pod is where its claims are mounted, in the first container that mounts one") {
        Json spec = pod_of("team/db:1");
        spec["volumes"] = Json::array({{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-db-0"}}}},
                                       {{"name", "tmp"}, {"emptyDir", Json::object()}}});
        spec["containers"].push_back({{"name", "server"},
                                      {"volumeMounts", Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}},
                                                                    {{"name", "data"}, {"mountPath", "/da ta"}}})}});
        const Mounted mounted = mounts_of_claims(spec);
        CHECK(mounted.container == "server");
        CHECK(mounted.folders == std::vector<std::string>{"/da ta"});
        CHECK(says(files_script(mounted.folders), "find '/da ta' -maxdepth 4 \\( -name patroni.dynamic.json -o"));
        CHECK(mounts_of_claims(pod_of("team/db:1")).container.empty());
    }

    TEST_CASE("software that its files tell of is refused like one that its image names") {
        const Json unknown = pod_of("team/db:1");
        CloneOptions wanted = whole();
        const Joining kafka{{Software::kKafka, "db", "files on its volumes"}, {}};
        const Status refused = check_joining(wanted, kafka, unknown, unknown);
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().message, "is Kafka (files on its volumes of container db)"));
        wanted.isolated = true;
        CHECK_FALSE(check_joining(wanted, kafka, unknown, unknown).ok());
        CHECK(check_joining(wanted, {{Software::kPostgres, "db", "files on its volumes"}, {}}, unknown, unknown).ok());
    }

    TEST_CASE("by the files on their volumes") {
        CHECK(recognise_files({"/data/pgdata/PG_VERSION", "/data/pgdata/global/pg_control"}) == Software::kPostgres);
        CHECK(recognise_files({"/pg/PG_VERSION", "/pg/global/pg_control", "/pg/patroni.dynamic.json"}) ==
              Software::kPatroni);
        CHECK(recognise_files({"/var/lib/mysql/auto.cnf", "/var/lib/mysql/ibdata1"}) == Software::kMySql);
        CHECK(recognise_files({"/k/meta.properties", "/k/recovery-point-offset-checkpoint"}) == Software::kKafka);
        CHECK(recognise_files({"/db/WiredTiger", "/db/storage.bson"}) == Software::kMongo);
        CHECK(recognise_files({"/srv/index.html", "/srv/PG_VERSION.txt"}) == Software::kNone);
    }

    TEST_CASE("what a Postgres answers, and what it did not") {
        const auto ties = parse_ties("standby=false\narchive=on\nfollows=1\nslots=2\nsubscriptions=1\n");
        REQUIRE(ties);
        CHECK(ties->text() ==
              "it archives its WAL, it knows a primary or an archive to follow, it has 2 replication slots, it has 1 "
              "subscription");
        CHECK(parse_ties("standby=false\narchive=off\nfollows=0\nslots=0\nsubscriptions=0\n")->text().empty());
        CHECK_FALSE(parse_ties("psql: error: connection refused\n"));
        CHECK_FALSE(parse_ties("standby=false\narchive=off\n"));
    }

    TEST_CASE("each tie of a Postgres is told of, and refused, by itself") {
        const std::vector<std::pair<std::string, std::string>> told = {
            {"standby=true\narchive=off\nfollows=0\nslots=0\nsubscriptions=0\n", "it is a standby"},
            {"standby=false\narchive=always\nfollows=0\nslots=0\nsubscriptions=0\n", "it archives its WAL"},
            {"standby=false\narchive=off\nfollows=1\nslots=0\nsubscriptions=0\n",
             "it knows a primary or an archive to follow"},
            {"standby=false\narchive=off\nfollows=0\nslots=1\nsubscriptions=0\n", "it has 1 replication slot"},
            {"standby=false\narchive=off\nfollows=0\nslots=0\nsubscriptions=2\n", "it has 2 subscriptions"}};
        const Json database = pod_of("postgres:16");
        for (const auto& [answer, text] : told) {
            const auto ties = parse_ties(answer);
            REQUIRE(ties);
            CHECK(ties->text() == text);
            const Status refused = software_joins(database, database, false, {{"db-0", ties}});
            REQUIRE_FALSE(refused.ok());
            CHECK(says(refused.error().message, "in pod/db-0 " + text + ", and so would the clone"));
            CHECK(says(refused.error().hint, "--isolated"));
        }
    }

    TEST_CASE("a Postgres starts beside its source only untied, or isolated") {
        const Json database = pod_of("postgres:16");
        const Ties none;
        Ties archiving;
        archiving.archives = true;
        CHECK(software_joins(database, database, false, {{"db-0", none}}).ok());
        CHECK(software_joins(database, database, false, {{"db-0", archiving}}).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(database, database, false, {{"db-0", none}, {"db-1", archiving}}).error().kind ==
              ErrorKind::kRefused);
        CHECK(software_joins(database, database, false, {{"db-0", std::nullopt}}).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(database, database, false).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(database, database, true).ok());
    }

    TEST_CASE("arguments that are stronger than isolation are refused") {
        const Json database = pod_of("postgres:16", Json::array(), Json::array({"-c", "archive_mode=on"}));
        CHECK(says(software_joins(database, database, true).error().message, "archive_mode"));
    }

    TEST_CASE("an entrypoint that follows the source's primary at every start is not kept from it by isolation") {
        const Json source = pod_of("bitnami/postgresql-repmgr:15",
                                   Json::array({variable("REPMGR_PRIMARY_HOST", "postgres-0.postgres")}));
        const Status refused = software_joins(source, source, true);
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().message, "variable REPMGR_PRIMARY_HOST makes its entrypoint follow"));
        CHECK(software_joins(source,
                             pod_of("bitnami/postgresql-repmgr:15",
                                    Json::array({variable("REPMGR_PRIMARY_HOST", "staging-0.staging")})),
                             true)
                  .ok());
    }

    TEST_CASE("a container that pushes backups to where the source's are is not started in a clone") {
        Json source = pod_of("postgres:15");
        source["containers"].push_back({{"name", "backup"}, {"image", "registry.test/wal-g:3"}});
        const Status refused = software_joins(source, source, true);
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().hint, "--set spec.template.spec.containers[1]=null"));
        CHECK(software_joins(source, pod_of("postgres:15"), true).ok());
    }

    TEST_CASE("a sidecar that is written as an init container, and one that ends, are looked at like any other") {
        Json source = pod_of("postgres:15");
        source["initContainers"] = Json::array({{{"name", "restore"}, {"image", "registry.test/busybox:1"}},
                                                {{"name", "push"},
                                                 {"image", "registry.test/team:1"},
                                                 {"restartPolicy", "Always"},
                                                 {"args", Json::array({"wal-g daemon"})}}});
        CHECK(
            says(software_joins(source, source, true).error().hint, "--set spec.template.spec.initContainers[1]=null"));
        source["initContainers"][1].erase("restartPolicy");
        CHECK_FALSE(software_joins(source, source, true).ok());
        source["initContainers"].erase(1);
        CHECK(software_joins(source, source, true).ok());
        Json other = pod_of("team/agent:1");
        other["initContainers"] = Json::array({{{"name", "db"}, {"image", "postgres:15"}}});
        CHECK(recognise(other).software == Software::kNone);  // it prepares something
        other["initContainers"][0]["restartPolicy"] = "Always";
        CHECK(recognise(other).software == Software::kPostgres);
        other["initContainers"][0]["args"] = Json::array({"-c", "archive_command=cp %p /a"});
        CHECK(says(software_joins(other, other, true).error().message, "archive_command"));
    }

    TEST_CASE("variables from ConfigMaps count like those in env") {
        Json spec = pod_of("team/db:1");
        Json& container = spec["containers"][0];
        container["envFrom"] = Json::array({{{"configMapRef", {{"name", "base"}}}},
                                            {{"prefix", "PATRONI_"}, {"configMapRef", {{"name", "patroni"}}}},
                                            {{"secretRef", {{"name", "password"}}}}});
        container["env"] = Json::array(
            {variable("SITE", "own"),
             {{"name", "PEER"}, {"valueFrom", {{"configMapKeyRef", {{"name", "base"}, {"key", "peer"}}}}}}});
        const VariableSources sources = sources_of_variables(spec);
        CHECK(sources.config_maps == std::set<std::string>{"base", "patroni"});
        CHECK(sources.secrets == std::set<std::string>{"password"});
        const std::map<std::string, Json> maps = {
            {"base", {{"data", {{"SITE", "theirs"}, {"peer", "postgres-0.postgres"}, {"PATRONI_SCOPE", "old"}}}}},
            {"patroni", {{"data", {{"SCOPE", "shop"}}}}}};
        const Json written = written_out(spec, maps);
        std::map<std::string, std::string> values;
        for (const Json& one : written["containers"][0]["env"]) values[one["name"]] = one["value"];
        CHECK(values == std::map<std::string, std::string>{{"SITE", "own"},
                                                           {"PEER", "postgres-0.postgres"},
                                                           {"peer", "postgres-0.postgres"},
                                                           {"PATRONI_SCOPE", "shop"}});
        CHECK(recognise(spec).software == Software::kNone);
        CHECK(recognise(written).software == Software::kPatroni);
        CHECK_FALSE(software_joins(written, written).ok());
        Json made = spec;
        made["containers"][0]["env"].push_back(variable("PATRONI_SCOPE", "copy"));
        CHECK(software_joins(written, written_out(made, maps), false, {{"db-0", Ties{}}}).ok());
        CHECK(written_out(spec, {})["containers"][0]["env"].size() == 2);
    }

    TEST_CASE("a MySQL or Kafka of its own that is still led to the source's servers is refused") {
        const auto env = [](std::vector<std::pair<const char*, const char*>> values) {
            Json list = Json::array();
            for (const auto& [name, value] : values) list.push_back(variable(name, value));
            return list;
        };
        const Json alone = Json::array({"sh", "-c", "rm -f /var/lib/mysql/auto.cnf; exec mysqld --skip-replica-start"});
        const Json mysql = pod_of("mysql:8", env({{"MYSQL_MASTER_HOST", "mysql-0.mysql"}}));
        const Status led =
            software_joins(mysql, pod_of("mysql:8", env({{"MYSQL_MASTER_HOST", "mysql-0.mysql"}}), alone));
        REQUIRE_FALSE(led.ok());
        CHECK(says(led.error().message, "MYSQL_MASTER_HOST leads it to the source's servers"));
        CHECK(software_joins(mysql, pod_of("mysql:8", env({{"MYSQL_MASTER_HOST", "copy-0.copy"}}), alone)).ok());
        const auto galera = [](const std::string& address) {
            return pod_of("mariadb:11", Json::array(),
                          Json::array({"--skip-slave-start", "--wsrep_cluster_address=" + address}));
        };
        CHECK_FALSE(software_joins(galera("gcomm://mysql-0.mysql"), galera("gcomm://mysql-0.mysql")).ok());
        CHECK(software_joins(galera("gcomm://mysql-0.mysql"), galera("gcomm://copy-0.copy")).ok());
        // Both say where the controllers are; one of them is changed.
        const Json kafka = pod_of("cp-kafka", env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-0:9093"},
                                                   {"KAFKA_ZOOKEEPER_CONNECT", "zoo:2181"}}));
        CHECK(says(software_joins(kafka, pod_of("cp-kafka", env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy-0:9093"},
                                                                 {"KAFKA_ZOOKEEPER_CONNECT", "zoo:2181"}})))
                       .error()
                       .message,
                   "KAFKA_ZOOKEEPER_CONNECT leads it to the source's servers"));
        const Json seeds = Json::array({"--seeds", "kafka-0:33145"});
        const Json own = env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy-0:9093"}});
        CHECK_FALSE(software_joins(pod_of("redpanda", Json::array(), seeds), pod_of("redpanda", own, seeds)).ok());
        CHECK(software_joins(pod_of("redpanda", Json::array(), seeds),
                             pod_of("redpanda", own, Json::array({"--seeds", "copy-0:33145"})))
                  .ok());
    }

    TEST_CASE("a replica set may be named in a file, wherever its flag ends") {
        CHECK_FALSE(software_joins(pod_of("mongo:7", Json::array(), Json::array({"-f/etc/mongod.conf"})),
                                   pod_of("mongo:7", Json::array(), Json::array({"-f/etc/mongod.conf"})))
                        .ok());
        const auto names = [](const Json& args) {
            const Status joined =
                software_joins(pod_of("mongo:7", Json::array(), args), pod_of("mongo:7", Json::array(), args));
            return joined.ok() ? "" : joined.error().message;
        };
        CHECK(says(names(Json::array({"sh", "-c", "exec mongod --replSet rs0"})), "its arguments name it"));
        CHECK(says(names(Json::array({"sh", "-c", "exec mongod -f /etc/m"})), "a configuration file"));
        CHECK(says(names(Json::array({"/scripts/setup.sh"})), "a script"));
        CHECK(says(names(Json::array({"bash", "-c", "/opt/start.sh && mongod"})), "a script"));
        CHECK(names(Json::array({"docker-entrypoint.sh", "mongod", "--bind_ip_all"})).empty());
        const Json told = pod_of("mongo:7", Json::array({variable("MONGODB_REPLICA_SET_NAME", "rs0")}));
        CHECK(says(software_joins(told, told).error().message, "variable MONGODB_REPLICA_SET_NAME"));
    }

    TEST_CASE("members of a Patroni are asked, since its own configuration goes with the copy") {
        const auto patroni = [](const std::string& scope, const std::string& archive = "") {
            Json env = Json::array({variable("PATRONI_SCOPE", scope)});
            if (!archive.empty()) env.push_back(variable("WALG_S3_PREFIX", archive));
            return pod_of("spilo", env);
        };
        const auto told = [](const std::string& archive, const std::string& fetches,
                             const std::string& subscriptions = "0") {
            return std::map<std::string, std::optional<Ties>>{
                {"db-0", parse_ties("standby=false\narchive=" + archive + "\nfollows=1\nfetches=" + fetches +
                                    "\nslots=2\nsubscriptions=" + subscriptions + "\n")}};
        };
        const Json source = patroni("shop"), made = patroni("copy");
        // Slots and a primary each member has of its own cluster, which the clone leaves.
        CHECK(software_joins(source, made, false, told("off", "0")).ok());
        const Status archiving = software_joins(source, made, false, told("on", "0"));
        REQUIRE_FALSE(archiving.ok());
        CHECK(says(archiving.error().message, "in pod/db-0 it archives its WAL, and so would the clone"));
        CHECK(says(archiving.error().hint, "--isolated"));
        CHECK(software_joins(source, made, true, told("on", "0")).ok());
        CHECK(says(software_joins(source, made, false, told("off", "0", "1")).error().message, "it has subscriptions"));
        CHECK(software_joins(source, made, true, told("off", "0", "1")).ok());
        for (const bool isolated : {false, true}) {
            const Status fetching = software_joins(source, made, isolated, told("off", "1"));
            REQUIRE_FALSE(fetching.ok());
            CHECK(says(fetching.error().message,
                       "in pod/db-0 restore_command is set: the clone would read its source's archive"));
            CHECK(says(fetching.error().hint, "kubectl clone pvc/NAME COPY"));
            const Status unasked = software_joins(source, made, isolated, {{"db-0", std::nullopt}});
            REQUIRE_FALSE(unasked.ok());
            CHECK(says(unasked.error().message, "could not be asked in pod/db-0"));
            CHECK(
                says(software_joins(source, made, isolated).error().message, "no pod of it runs that could be asked"));
        }
        // Where the archive is stands in variables, of which the clone has others.
        CHECK(software_joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), false, told("on", "1")).ok());
        CHECK(software_joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), true).ok());
        CHECK_FALSE(
            software_joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), false, told("on", "1", "1"))
                .ok());
    }

    TEST_CASE("a Patroni that follows another cluster would follow it as a clone, too") {
        const auto env = [](const std::string& scope) {
            return Json::array({variable("SCOPE", scope), variable("STANDBY_HOST", "primary.other")});
        };
        const Ties primary{}, standby{true};
        const Json source = pod_of("spilo-15", env("shop"));
        const Status led = software_joins(source, pod_of("spilo-15", env("copy")), false, {{"db-0", primary}});
        REQUIRE_FALSE(led.ok());
        CHECK(says(led.error().message, "variable STANDBY_HOST makes it follow the cluster that its source follows"));
        const Json plain = pod_of("spilo-15", Json::array({variable("SCOPE", "shop")})),
                   made = pod_of("spilo-15", Json::array({variable("SCOPE", "copy")}));
        CHECK(software_joins(plain, made, false, {{"db-0", primary}, {"db-1", standby}}).ok());
        for (const bool isolated : {false, true}) {
            const Status follows = software_joins(plain, made, isolated, {{"db-0", standby}, {"db-1", standby}});
            REQUIRE_FALSE(follows.ok());
            CHECK(says(follows.error().message, "each of its pods that run is a standby"));
        }
    }

    TEST_CASE("the others need their identity set") {
        const Json patroni = pod_of("spilo", Json::array({variable("PATRONI_SCOPE", "shop")}));
        CHECK(software_joins(patroni, patroni).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(patroni, patroni, true).error().kind == ErrorKind::kRefused);
        const std::map<std::string, std::optional<Ties>> untied = {{"db-0", Ties{}}};
        CHECK(software_joins(patroni, pod_of("spilo", Json::array({variable("PATRONI_SCOPE", "copy")})), false, untied)
                  .ok());
        const auto spilo = [](const std::vector<std::pair<std::string, std::string>>& values) {
            Json env = Json::array();
            for (const auto& [name, value] : values) env.push_back(variable(name, value));
            return pod_of("spilo", env);
        };
        // Whichever of the two its entrypoint reads.
        const Json both = spilo({{"SCOPE", "shop"}, {"PATRONI_SCOPE", "shop"}});
        const auto half = software_joins(both, spilo({{"SCOPE", "copy"}, {"PATRONI_SCOPE", "shop"}}));
        REQUIRE_FALSE(half.ok());
        CHECK(half.error().message ==
              "sts/postgres is Patroni (env PATRONI_SCOPE of container db): variable PATRONI_SCOPE has the scope of "
              "the source's cluster; nothing was changed");
        CHECK(software_joins(both, spilo({{"SCOPE", "copy"}, {"PATRONI_SCOPE", "copy"}}), false, untied).ok());
        for (const char* archive : {"WALG_S3_PREFIX", "WALE_S3_PREFIX", "WAL_S3_BUCKET", "USE_WALG_BACKUP"}) {
            const auto refused = software_joins(spilo({{"SCOPE", "shop"}, {archive, "s3://shop"}}),
                                                spilo({{"SCOPE", "copy"}, {archive, "s3://shop"}}));
            REQUIRE_FALSE(refused.ok());
            CHECK(says(refused.error().message, std::string("by variable ") + archive + " it would archive"));
            CHECK(software_joins(spilo({{"SCOPE", "shop"}, {archive, "s3://shop"}}),
                                 spilo({{"SCOPE", "copy"}, {archive, "s3://copy"}}), false, untied)
                      .ok());
        }
        Json pushed = spilo({{"SCOPE", "copy"}});
        pushed["containers"].push_back({{"name", "pgbackrest"}, {"image", "team/pgbackrest:2"}});
        CHECK(says(software_joins(spilo({{"SCOPE", "shop"}}), pushed).error().message,
                   "backs up to where the source's backups are"));
        const Json mongo = pod_of("mongo:7", Json::array(), Json::array({"--replSet", "rs0"}));
        CHECK(software_joins(mongo, mongo).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(mongo, pod_of("mongo:7")).ok());
        const Json by_file = pod_of("mongo:7", Json::array(), Json::array({"--config", "/etc/mongod.conf"}));
        CHECK(software_joins(by_file, by_file).error().kind == ErrorKind::kRefused);
        const Json kafka =
            pod_of("cp-kafka", Json::array({variable("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-0:9093")}));
        CHECK(software_joins(kafka, kafka).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(pod_of("mysql:8"), pod_of("mysql:8")).error().kind == ErrorKind::kRefused);
        CHECK(software_joins(pod_of("nginx"), pod_of("nginx")).ok());
    }

    TEST_CASE("controllers that a Kafka is told by its file are not replaced by a variable") {
        const Json kafka = pod_of("bitnami/kafka:3.7", Json::array({variable("KAFKA_HEAP_OPTS", "x")}));
        const Json made = pod_of(
            "bitnami/kafka:3.7",
            Json::array({variable("KAFKA_HEAP_OPTS", "x"), variable("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy")}));
        const Status vain = software_joins(kafka, made);
        REQUIRE_FALSE(vain.ok());
        CHECK(says(vain.error().hint, "kubectl clone pvc/NAME COPY"));
    }
}
