#include "plugins/clone/software.h"
#include "plugins/clone/variables.h"
#include "scene.h"

#include "common/core/text.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Json pod(const std::string& image, const Json& env = Json::array(), const Json& args = Json::array()) {
    return {{"containers", Json::array({{{"name", "db"}, {"image", image}, {"env", env}, {"args", args}}})}};
}
// Its container has the volume of its data there.
Json with_data(Json spec, const std::string& at) {
    spec["containers"][0]["volumeMounts"] = Json::array({{{"name", "data"}, {"mountPath", at}}});
    return spec;
}
Json variable(const std::string& name, const std::string& value) { return {{"name", name}, {"value", value}}; }

Software by_image(const std::string& image) { return recognise(pod(image)).software; }

Status joins(const Json& source, const Json& made, bool isolated = false,
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
        CHECK(recognise(pod("team/db:1", Json::array({variable("PGDATA", "/data")}))).software == Software::kPostgres);
        const auto patroni = recognise(pod("team/postgres:1", Json::array({variable("PATRONI_SCOPE", "shop")})));
        CHECK(patroni.software == Software::kPatroni);
        CHECK(patroni.by == "env PATRONI_SCOPE");
        CHECK(recognise(pod("team/db:1", Json::array(), Json::array({"patroni", "/etc/patroni.yml"}))).software ==
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
        Json spec = pod("team/db:1");
        spec["volumes"] = Json::array({{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-db-0"}}}},
                                       {{"name", "tmp"}, {"emptyDir", Json::object()}}});
        spec["containers"].push_back({{"name", "server"},
                                      {"volumeMounts", Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}},
                                                                    {{"name", "data"}, {"mountPath", "/da ta"}}})}});
        const Mounted mounted = mounts_of_claims(spec);
        CHECK(mounted.container == "server");
        CHECK(mounted.folders == std::vector<std::string>{"/da ta"});
        CHECK(says(files_script(mounted.folders), "find '/da ta' -maxdepth 4 \\( -name patroni.dynamic.json -o"));
        CHECK(mounts_of_claims(pod("team/db:1")).container.empty());
    }

    TEST_CASE("software that its files tell of is refused like one that its image names") {
        const Json unknown = pod("team/db:1");
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
        const Json database = pod("postgres:16");
        for (const auto& [answer, text] : told) {
            const auto ties = parse_ties(answer);
            REQUIRE(ties);
            CHECK(ties->text() == text);
            const Status refused = joins(database, database, false, {{"db-0", ties}});
            REQUIRE_FALSE(refused.ok());
            CHECK(says(refused.error().message, "in pod/db-0 " + text + ", and so would the clone"));
            CHECK(says(refused.error().hint, "--isolated"));
        }
    }

    TEST_CASE("a Postgres starts beside its source only untied, or isolated") {
        const Json database = pod("postgres:16");
        const Ties none;
        Ties archiving;
        archiving.archives = true;
        CHECK(joins(database, database, false, {{"db-0", none}}).ok());
        CHECK(joins(database, database, false, {{"db-0", archiving}}).error().kind == ErrorKind::kRefused);
        CHECK(joins(database, database, false, {{"db-0", none}, {"db-1", archiving}}).error().kind ==
              ErrorKind::kRefused);
        CHECK(joins(database, database, false, {{"db-0", std::nullopt}}).error().kind == ErrorKind::kRefused);
        CHECK(joins(database, database, false).error().kind == ErrorKind::kRefused);
        CHECK(joins(database, database, true).ok());
    }

    TEST_CASE("arguments that are stronger than isolation are refused") {
        const Json database = pod("postgres:16", Json::array(), Json::array({"-c", "archive_mode=on"}));
        CHECK(says(joins(database, database, true).error().message, "archive_mode"));
    }

    TEST_CASE("an entrypoint that follows the source's primary at every start is not kept from it by isolation") {
        const Json source =
            pod("bitnami/postgresql-repmgr:15", Json::array({variable("REPMGR_PRIMARY_HOST", "postgres-0.postgres")}));
        const Status refused = joins(source, source, true);
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().message, "variable REPMGR_PRIMARY_HOST makes its entrypoint follow"));
        CHECK(joins(source,
                    pod("bitnami/postgresql-repmgr:15",
                        Json::array({variable("REPMGR_PRIMARY_HOST", "staging-0.staging")})),
                    true)
                  .ok());
    }

    TEST_CASE("a container that pushes backups to where the source's are is not started in a clone") {
        Json source = pod("postgres:15");
        source["containers"].push_back({{"name", "backup"}, {"image", "registry.test/wal-g:3"}});
        const Status refused = joins(source, source, true);
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().hint, "--set spec.template.spec.containers[1]=null"));
        CHECK(joins(source, pod("postgres:15"), true).ok());
    }

    TEST_CASE("a sidecar that is written as an init container, and one that ends, are looked at like any other") {
        Json source = pod("postgres:15");
        source["initContainers"] = Json::array({{{"name", "restore"}, {"image", "registry.test/busybox:1"}},
                                                {{"name", "push"},
                                                 {"image", "registry.test/team:1"},
                                                 {"restartPolicy", "Always"},
                                                 {"args", Json::array({"wal-g daemon"})}}});
        CHECK(says(joins(source, source, true).error().hint, "--set spec.template.spec.initContainers[1]=null"));
        source["initContainers"][1].erase("restartPolicy");
        CHECK_FALSE(joins(source, source, true).ok());
        source["initContainers"].erase(1);
        CHECK(joins(source, source, true).ok());
        Json other = pod("team/agent:1");
        other["initContainers"] = Json::array({{{"name", "db"}, {"image", "postgres:15"}}});
        CHECK(recognise(other).software == Software::kNone);  // it prepares something
        other["initContainers"][0]["restartPolicy"] = "Always";
        CHECK(recognise(other).software == Software::kPostgres);
        other["initContainers"][0]["args"] = Json::array({"-c", "archive_command=cp %p /a"});
        CHECK(says(joins(other, other, true).error().message, "archive_command"));
    }

    TEST_CASE("variables from ConfigMaps count like those in env") {
        Json spec = pod("team/db:1");
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
        CHECK_FALSE(joins(written, written).ok());
        Json made = spec;
        made["containers"][0]["env"].push_back(variable("PATRONI_SCOPE", "copy"));
        CHECK(joins(written, written_out(made, maps), false, {{"db-0", Ties{}}}).ok());
        CHECK(written_out(spec, {})["containers"][0]["env"].size() == 2);
    }

    TEST_CASE("a MySQL or Kafka of its own that is still led to the source's servers is refused") {
        const auto env = [](std::vector<std::pair<const char*, const char*>> values) {
            Json list = Json::array();
            for (const auto& [name, value] : values) list.push_back(variable(name, value));
            return list;
        };
        const Json alone = Json::array({"sh", "-c", "rm -f /var/lib/mysql/auto.cnf; exec mysqld --skip-replica-start"});
        const Json mysql = pod("mysql:8", env({{"MYSQL_MASTER_HOST", "mysql-0.mysql"}}));
        const Status led = joins(mysql, pod("mysql:8", env({{"MYSQL_MASTER_HOST", "mysql-0.mysql"}}), alone));
        REQUIRE_FALSE(led.ok());
        CHECK(says(led.error().message, "MYSQL_MASTER_HOST leads it to the source's servers"));
        CHECK(joins(mysql, pod("mysql:8", env({{"MYSQL_MASTER_HOST", "copy-0.copy"}}), alone)).ok());
        const auto galera = [](const std::string& address) {
            return pod("mariadb:11", Json::array(),
                       Json::array({"--skip-slave-start", "--wsrep_cluster_address=" + address}));
        };
        CHECK_FALSE(joins(galera("gcomm://mysql-0.mysql"), galera("gcomm://mysql-0.mysql")).ok());
        CHECK(joins(galera("gcomm://mysql-0.mysql"), galera("gcomm://copy-0.copy")).ok());
        // Both say where the controllers are; one of them is changed.
        const Json kafka =
            pod("cp-kafka",
                env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-0:9093"}, {"KAFKA_ZOOKEEPER_CONNECT", "zoo:2181"}}));
        CHECK(says(joins(kafka, pod("cp-kafka", env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy-0:9093"},
                                                     {"KAFKA_ZOOKEEPER_CONNECT", "zoo:2181"}})))
                       .error()
                       .message,
                   "KAFKA_ZOOKEEPER_CONNECT leads it to the source's servers"));
        const Json seeds = Json::array({"--seeds", "kafka-0:33145"});
        const Json own = env({{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy-0:9093"}});
        CHECK_FALSE(joins(pod("redpanda", Json::array(), seeds), pod("redpanda", own, seeds)).ok());
        CHECK(
            joins(pod("redpanda", Json::array(), seeds), pod("redpanda", own, Json::array({"--seeds", "copy-0:33145"})))
                .ok());
    }

    TEST_CASE("a replica set may be named in a file, wherever its flag ends") {
        CHECK_FALSE(joins(pod("mongo:7", Json::array(), Json::array({"-f/etc/mongod.conf"})),
                          pod("mongo:7", Json::array(), Json::array({"-f/etc/mongod.conf"})))
                        .ok());
        const auto names = [](const Json& args) {
            const Status joined = joins(pod("mongo:7", Json::array(), args), pod("mongo:7", Json::array(), args));
            return joined.ok() ? "" : joined.error().message;
        };
        CHECK(says(names(Json::array({"sh", "-c", "exec mongod --replSet rs0"})), "its arguments name it"));
        CHECK(says(names(Json::array({"sh", "-c", "exec mongod -f /etc/m"})), "a configuration file"));
        CHECK(says(names(Json::array({"/scripts/setup.sh"})), "a script"));
        CHECK(says(names(Json::array({"bash", "-c", "/opt/start.sh && mongod"})), "a script"));
        CHECK(names(Json::array({"docker-entrypoint.sh", "mongod", "--bind_ip_all"})).empty());
        const Json told = pod("mongo:7", Json::array({variable("MONGODB_REPLICA_SET_NAME", "rs0")}));
        CHECK(says(joins(told, told).error().message, "variable MONGODB_REPLICA_SET_NAME"));
    }

    TEST_CASE("a MySQL starts with another server_uuid and without replicating, or not at all") {
        const Json mysql = pod("mysql:8");
        const Status refused = joins(mysql, mysql);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().message ==
              "sts/postgres is MySQL (image mysql:8 of container db): the clone has the source's server_uuid "
              "(auto.cnf) and "
              "the clone would replicate as its source does, by what its tables say; nothing was changed");
        CHECK(
            refused.error().hint ==
            R"(start it by itself: --set 'spec.template.spec.containers[0].command=["sh","-c","rm -f )"
            R"(/var/lib/mysql/auto.cnf; exec \"$@\"","sh","docker-entrypoint.sh"]' --set )"
            R"('spec.template.spec.containers[0].args=["mysqld","--loose-skip-replica-start","--loose-skip-slave-start"]')");
        // As the line says.
        const auto started = [](const Json& command, const Json& args, const Json& env = Json::array()) {
            Json spec = pod("mysql:8", env, args);
            spec["containers"][0]["command"] = command;
            return spec;
        };
        const Json without =
            Json::array({"sh", "-c", "rm -f /var/lib/mysql/auto.cnf; exec \"$@\"", "sh", "docker-entrypoint.sh"});
        CHECK(joins(mysql, started(without, Json::array({"mysqld", "--skip-replica-start"}))).ok());
        CHECK(joins(mysql, started(without, Json::array({"mysqld", "--skip_slave_start=ON"}))).ok());
        // Before 8.0.26 a server knows but one of them, and would not start by the other.
        CHECK(joins(mysql,
                    started(without, Json::array({"mysqld", "--loose-skip-replica-start", "--loose-skip-slave-start"})))
                  .ok());
        CHECK(says(joins(mysql, started(without, Json::array({"mysqld"}))).error().message,
                   "would replicate as its source"));
        CHECK_FALSE(joins(mysql, started(without, Json::array({"mysqld", "--skip-replica-start=OFF"}))).ok());
        const Status same_uuid = joins(mysql, pod("mysql:8", Json::array(), Json::array({"--skip-replica-start"})));
        REQUIRE_FALSE(same_uuid.ok());
        CHECK(says(same_uuid.error().message, "source's server_uuid (auto.cnf); nothing"));
        CHECK_FALSE(says(same_uuid.error().hint, "args="));
    }

    TEST_CASE("what removes a MySQL's server_uuid in vain does not count") {
        const Json mysql = with_data(pod("mysql:8"), "/var/lib/mysql");
        const auto joined = [&](const Json& command, const Json& args, const Json& init = Json()) {
            Json made = with_data(pod("mysql:8", Json::array(), args), "/var/lib/mysql");
            if (!command.empty()) made["containers"][0]["command"] = command;
            if (!init.empty()) made["initContainers"] = Json::array({init});
            return joins(mysql, made);
        };
        const Json flags = {"mysqld", "--skip-replica-start"};
        const auto script = [](const char* text) {
            return Json::array({"sh", "-c", text, "sh", "docker-entrypoint.sh"});
        };
        for (const char* vain :
             {"rm -f /tmp/auto.cnf; exec \"$@\"",                                    // another file
              "rm -f /var/lib/mysql/mysqld-auto.cnf; exec \"$@\"",                   //
              "rm -f /tmp/x; cat /var/lib/mysql/auto.cnf; exec \"$@\"",              //
              "exec \"$@\"; rm -f /var/lib/mysql/auto.cnf",                          // never reached
              "\"$@\"; rm -f /var/lib/mysql/auto.cnf",                               // when the server has ended
              "(sleep 9; rm -f /var/lib/mysql/auto.cnf) & exec \"$@\"",              // while it runs
              "if test -e /x; then rm -f /var/lib/mysql/auto.cnf; fi; exec \"$@\"",  // on a condition
              "test -e /x && rm -f /var/lib/mysql/auto.cnf; exec \"$@\"",            //
              "test -e /x || rm -f /var/lib/mysql/auto.cnf; exec \"$@\"",            //
              "# rm -f /var/lib/mysql/auto.cnf\nexec \"$@\"",                        // a comment
              "echo rm -f /var/lib/mysql/auto.cnf; exec \"$@\"",                     // words
              "exec rm -f /var/lib/mysql/auto.cnf"}) {
            CAPTURE(std::string(vain));
            const Status status = joined(script(vain), flags);
            REQUIRE_FALSE(status.ok());
            CHECK(says(status.error().message, "the clone has the source's server_uuid"));
        }
        CHECK_FALSE(
            joined(Json(), Json::array({"mysqld", "--skip-replica-start", "rm -f /var/lib/mysql/auto.cnf"})).ok());
        for (const char* done :
             {"rm -f /var/lib/mysql/auto.cnf; exec \"$@\"", "rm -f //var/lib/mysql//auto.cnf && exec \"$@\"",
              "set -e; unlink '/var/lib/mysql/auto.cnf'; exec \"$@\"",
              "set -eu\necho starting >&2\nrm -f \\\n  /var/lib/mysql/auto.cnf\nexec \"$@\""}) {
            CAPTURE(std::string(done));
            CHECK(joined(script(done), flags).ok());
        }
        const auto init = [](const Json& command, const std::string& at, const Json& more = Json::object()) {
            Json one = {{"name", "uuid"}, {"command", command}};
            one["volumeMounts"] = Json::array({{{"name", "data"}, {"mountPath", at}}});
            one.update(more);
            one["volumeMounts"][0].update(more.value("mount", Json::object()));
            return one;
        };
        // The same file, wherever that container has its volume; by a shell or without.
        CHECK(joined(Json(), flags, init({"sh", "-c", "rm -f /d/auto.cnf"}, "/d")).ok());
        CHECK(joined(Json(), flags, init({"rm", "-f", "/d/auto.cnf"}, "/d")).ok());
        CHECK_FALSE(joined(Json(), flags, init({"rm -f /d/auto.cnf"}, "/d")).ok());  // no program is called so
        CHECK_FALSE(joined(Json(), flags, init({"rm", "-f", "/var/lib/mysql/auto.cnf"}, "/d")).ok());
        CHECK_FALSE(
            joined(Json(), flags, init({"rm", "-f", "/d/auto.cnf"}, "/d", {{"mount", {{"subPath", "x"}}}})).ok());
        CHECK_FALSE(
            joined(Json(), flags, init({"rm", "-f", "/d/auto.cnf"}, "/d", {{"mount", {{"readOnly", true}}}})).ok());
        // A sidecar starts with the server, or after it.
        CHECK_FALSE(joined(Json(), flags, init({"rm", "-f", "/d/auto.cnf"}, "/d", {{"restartPolicy", "Always"}})).ok());
    }

    TEST_CASE("a flag that keeps no MySQL from replicating does not count") {
        const Json command =
            Json::array({"sh", "-c", "rm -f /var/lib/mysql/auto.cnf; exec \"$@\"", "sh", "docker-entrypoint.sh"});
        const auto started = [&](const Json& by, const Json& args) {
            Json made = pod("mysql:8", Json::array(), args);
            made["containers"][0]["command"] = by;
            return joins(pod("mysql:8"), made);
        };
        const auto refused = [&](const Json& by, const Json& args) {
            CAPTURE(by);
            CAPTURE(args);
            const Status status = started(by, args);
            REQUIRE_FALSE(status.ok());
            CHECK(says(status.error().message, "would replicate as its source does"));
        };
        refused(command, {"mysqld", "--skip-replica-start", "--skip-replica-start=OFF"});
        refused(command, {"mysqld", "--skip-slave-start", "--loose_skip_replica_start=0"});
        refused(command, {"mysqld", "--skip-replica-start", "--disable-skip-replica-start"});
        // A server that does not know it passes over it.
        refused(command, {"mysqld", "--loose-skip-replica-start"});
        refused(command, {"mysqld", "--loose-skip-slave-start"});
        // The script does not hand its arguments on, or not to the server.
        const char* removes = "rm -f /var/lib/mysql/auto.cnf; ";
        const auto shell = [&](const std::string& rest) { return Json::array({"sh", "-c", removes + rest}); };
        refused(shell("exec mysqld"), {"--skip-replica-start"});
        refused(shell("exec mysqld"), {"sh", "--skip-replica-start"});
        refused(shell("echo \"$@\"; exec mysqld"), {"sh", "--skip-replica-start"});
        refused(shell("echo --skip-replica-start; exec mysqld"), Json::array());
        refused(shell("if x; then exec mysqld --skip-replica-start; else exec mysqld; fi"), Json::array());
        refused(shell("exec /start.sh --skip-replica-start"), Json::array());
        CHECK(started(shell("exec mysqld \"$@\""), {"sh", "--skip-replica-start"}).ok());
        CHECK(started(shell("exec mysqld --server-id=$((100 + ${HOSTNAME##*-})) --skip-replica-start"), Json::array())
                  .ok());
        CHECK(started(shell("if x; then exec mysqld --skip-slave-start; else exec mysqld --skip-replica-start; fi"),
                      Json::array())
                  .ok());
        // No line that is added to such a command has an effect, so none is offered.
        CHECK(says(started(shell("exec /start.sh"), Json::array()).error().hint,
                   "does not show how it starts the server"));
        // A MariaDB knows slave's alone.
        const Json mariadb = pod("mariadb:11");
        CHECK_FALSE(joins(mariadb, pod("mariadb:11", Json::array(), {"mariadbd", "--loose-skip-replica-start"})).ok());
        CHECK(joins(mariadb, pod("mariadb:11", Json::array(), {"mariadbd", "--loose-skip-slave-start"})).ok());
        // Of Bitnami's image run.sh alone reads the variable, and each software its own.
        Json direct = pod("bitnami/mariadb:11", Json::array({variable("MARIADB_EXTRA_FLAGS", "--skip-slave-start")}));
        CHECK(joins(pod("bitnami/mariadb:11"), direct).ok());
        direct["containers"][0]["command"] = {"/opt/bitnami/mariadb/sbin/mariadbd"};
        CHECK_FALSE(joins(pod("bitnami/mariadb:11"), direct).ok());
        CHECK_FALSE(joins(pod("bitnami/mariadb:11"),
                          pod("bitnami/mariadb:11", Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-slave-start")})))
                        .ok());
    }

    TEST_CASE("a variable makes no MariaDB, which has no server_uuid, of a MySQL") {
        const Json args = {"mysqld", "--skip-replica-start"};
        const Status named = joins(pod("mysql:8"), pod("mysql:8", Json::array({variable("MARIADB_X", "1")}), args));
        REQUIRE_FALSE(named.ok());
        CHECK(says(named.error().message, "server_uuid"));
    }

    TEST_CASE("where a MySQL's data lies is known, or it is not guessed") {
        // What a look at the volumes of the container has found.
        const auto look = [](const Json& source, const Json& made, std::vector<std::string> files = {}) {
            Joining joining{recognise(source), {}};
            joining.looked_in = files.empty() ? "" : "db";
            joining.files = std::move(files);
            return check_joining(whole(), joining, source, made);
        };
        const auto hint = [&](const Json& source, std::vector<std::string> files = {}) {
            const Status refused = look(source, source, std::move(files));
            REQUIRE_FALSE(refused.ok());
            return refused.error().hint;
        };
        // Its own container has it, whatever its configuration says.
        Json mounted = with_data(pod("mysql:8"), "/data");
        mounted["containers"][0]["volumeMounts"].push_back({{"name", "conf"}, {"mountPath", "/etc/mysql/conf.d"}});
        CHECK(says(hint(mounted, {"/data/db/auto.cnf", "/data/db/ibdata1"}), "rm -f /data/db/auto.cnf;"));
        // One folder of several, and one that nobody has looked for.
        const Json flags = {"mysqld", "--skip-replica-start"};
        const std::string dir = "where /DIR is what the source says: select @@datadir";
        for (const Json& unknown : {mounted, pod("team/db:1", Json::array({variable("MYSQL_ROOT_PASSWORD", "x")})),
                                    pod("mysql:8", Json::array(), {"mysqld", "--defaults-file=/conf/my.cnf"}),
                                    pod("mysql:8", Json::array(), {"mysqld", "--datadir=$(DATA)"})}) {
            CAPTURE(unknown);
            const Status refused = look(unknown, unknown);
            REQUIRE_FALSE(refused.ok());
            CHECK(says(refused.error().message, "in its data folder, cannot be known from here"));
            CHECK(says(refused.error().hint, dir));
            CHECK(says(refused.error().hint, "rm -f /DIR/auto.cnf;"));
            CHECK(says(refused.error().hint, "--datadir=/DIR"));
        }
        CHECK(says(hint(mounted, {"/data/a/auto.cnf", "/data/b/auto.cnf"}), dir));
        // As the line says, with what the source has answered.
        Json told = mounted;
        told["containers"][0]["command"] =
            Json::array({"sh", "-c", "rm -f /data/x/auto.cnf; exec \"$@\"", "sh", "docker-entrypoint.sh"});
        told["containers"][0]["args"] = {"mysqld", "--datadir=/data/x", "--skip-replica-start"};
        CHECK(look(mounted, told).ok());
        told["containers"][0]["args"] = {"mysqld", "--datadir", "/data/x/", "--skip-replica-start"};
        CHECK(look(mounted, told).ok());
        told["containers"][0]["args"] = {"mysqld", "--datadir=/data/y", "--skip-replica-start"};
        CHECK_FALSE(look(mounted, told).ok());
        // Found in a container beside it the folder is another one.
        Joining beside{recognise(mounted), {}};
        beside.files = {"/other/auto.cnf"};
        beside.looked_in = "other";
        CHECK(says(check_joining(whole(), beside, mounted, mounted).error().hint, dir));
        // Images whose own configuration leaves it where it is.
        CHECK(says(hint(pod("percona/percona-server:8.0")), "rm -f /var/lib/mysql/auto.cnf"));
        // Data without one is a MariaDB's, in an image that does not say which it is.
        const Json unnamed = pod("team/db:1", Json::array({variable("MYSQL_ROOT_PASSWORD", "x")}), flags);
        const std::vector<std::string> data = {"/d/ibdata1", "/d/mysql", "/holdfast-looked"};
        Json slave = unnamed;
        slave["containers"][0]["args"] = {"mariadbd", "--skip-slave-start"};
        CHECK(look(unnamed, slave, data).ok());
        CHECK_FALSE(look(unnamed, slave, {"/d/ibdata1", "/d/mysql"}).ok());  // it did not look everywhere
        CHECK_FALSE(look(unnamed, slave, {"/d/ibdata1", "/d/mysql", "/d/auto.cnf", "/holdfast-looked"}).ok());
    }

    TEST_CASE("a variable that no image reads gives a MySQL no identity of its own") {
        const Json source = pod("mysql:8", Json::array(), Json::array({"--server-id=1", "--datadir=/data"}));
        const Status vain = joins(source, pod("mysql:8", Json::array({variable("MYSQL_SERVER_ID", "9")}),
                                              Json::array({"--server-id=1", "--datadir=/data"})));
        REQUIRE_FALSE(vain.ok());
        CHECK(says(vain.error().message,
                   "variable MYSQL_SERVER_ID does nothing in its image; the clone has the source's"));
        CHECK(says(vain.error().hint, "rm -f /data/auto.cnf"));
        CHECK(
            says(vain.error().hint, R"("--datadir=/data","--loose-skip-replica-start","--loose-skip-slave-start"]')"));
        CHECK_FALSE(
            joins(source, pod("mysql:8", Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-replica-start")}))).ok());
        const Json bitnami = pod("bitnami/mysql:8.4");
        const Status there = joins(bitnami, bitnami);
        CHECK(says(there.error().hint, "rm -f /bitnami/mysql/data/auto.cnf"));
        CHECK(says(there.error().hint, "/opt/bitnami/scripts/mysql/run.sh"));
        CHECK(
            says(there.error().hint, "--env 'MYSQL_EXTRA_FLAGS=--loose-skip-replica-start --loose-skip-slave-start'"));
        Json made =
            with_data(pod("bitnami/mysql:8.4", Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-replica-start")})),
                      "/bitnami/mysql");
        CHECK_FALSE(joins(bitnami, made).ok());
        made["initContainers"] =
            Json::array({{{"name", "uuid"},
                          {"command", Json::array({"rm", "-f", "/old/data/auto.cnf"})},
                          {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", "/old"}}})}}});
        CHECK(joins(bitnami, made).ok());
        // A MariaDB has no server_uuid.
        const Json mariadb = pod("mariadb:11");
        CHECK(joins(mariadb, mariadb).error().hint ==
              R"(start it by itself: --set 'spec.template.spec.containers[0].args=["mariadbd","--skip-slave-start"]')");
        CHECK(joins(mariadb, pod("mariadb:11", Json::array(), Json::array({"mariadbd", "--skip-slave-start"}))).ok());
    }

    TEST_CASE("members of a Patroni are asked, since its own configuration goes with the copy") {
        const auto patroni = [](const std::string& scope, const std::string& archive = "") {
            Json env = Json::array({variable("PATRONI_SCOPE", scope)});
            if (!archive.empty()) env.push_back(variable("WALG_S3_PREFIX", archive));
            return pod("spilo", env);
        };
        const auto told = [](const std::string& archive, const std::string& fetches,
                             const std::string& subscriptions = "0") {
            return std::map<std::string, std::optional<Ties>>{
                {"db-0", parse_ties("standby=false\narchive=" + archive + "\nfollows=1\nfetches=" + fetches +
                                    "\nslots=2\nsubscriptions=" + subscriptions + "\n")}};
        };
        const Json source = patroni("shop"), made = patroni("copy");
        // Slots and a primary each member has of its own cluster, which the clone leaves.
        CHECK(joins(source, made, false, told("off", "0")).ok());
        const Status archiving = joins(source, made, false, told("on", "0"));
        REQUIRE_FALSE(archiving.ok());
        CHECK(says(archiving.error().message, "in pod/db-0 it archives its WAL, and so would the clone"));
        CHECK(says(archiving.error().hint, "--isolated"));
        CHECK(joins(source, made, true, told("on", "0")).ok());
        CHECK(says(joins(source, made, false, told("off", "0", "1")).error().message, "it has subscriptions"));
        CHECK(joins(source, made, true, told("off", "0", "1")).ok());
        for (const bool isolated : {false, true}) {
            const Status fetching = joins(source, made, isolated, told("off", "1"));
            REQUIRE_FALSE(fetching.ok());
            CHECK(says(fetching.error().message,
                       "in pod/db-0 restore_command is set: the clone would read its source's archive"));
            CHECK(says(fetching.error().hint, "kubectl clone pvc/NAME COPY"));
            const Status unasked = joins(source, made, isolated, {{"db-0", std::nullopt}});
            REQUIRE_FALSE(unasked.ok());
            CHECK(says(unasked.error().message, "could not be asked in pod/db-0"));
            CHECK(says(joins(source, made, isolated).error().message, "no pod of it runs that could be asked"));
        }
        // Where the archive is stands in variables, of which the clone has others.
        CHECK(joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), false, told("on", "1")).ok());
        CHECK(joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), true).ok());
        CHECK_FALSE(
            joins(patroni("shop", "s3://shop"), patroni("copy", "s3://copy"), false, told("on", "1", "1")).ok());
    }

    TEST_CASE("a Patroni that follows another cluster would follow it as a clone, too") {
        const auto env = [](const std::string& scope) {
            return Json::array({variable("SCOPE", scope), variable("STANDBY_HOST", "primary.other")});
        };
        const Ties primary{}, standby{true};
        const Json source = pod("spilo-15", env("shop"));
        const Status led = joins(source, pod("spilo-15", env("copy")), false, {{"db-0", primary}});
        REQUIRE_FALSE(led.ok());
        CHECK(says(led.error().message, "variable STANDBY_HOST makes it follow the cluster that its source follows"));
        const Json plain = pod("spilo-15", Json::array({variable("SCOPE", "shop")})),
                   made = pod("spilo-15", Json::array({variable("SCOPE", "copy")}));
        CHECK(joins(plain, made, false, {{"db-0", primary}, {"db-1", standby}}).ok());
        for (const bool isolated : {false, true}) {
            const Status follows = joins(plain, made, isolated, {{"db-0", standby}, {"db-1", standby}});
            REQUIRE_FALSE(follows.ok());
            CHECK(says(follows.error().message, "each of its pods that run is a standby"));
        }
    }

    TEST_CASE("the others need their identity set") {
        const Json patroni = pod("spilo", Json::array({variable("PATRONI_SCOPE", "shop")}));
        CHECK(joins(patroni, patroni).error().kind == ErrorKind::kRefused);
        CHECK(joins(patroni, patroni, true).error().kind == ErrorKind::kRefused);
        const std::map<std::string, std::optional<Ties>> untied = {{"db-0", Ties{}}};
        CHECK(joins(patroni, pod("spilo", Json::array({variable("PATRONI_SCOPE", "copy")})), false, untied).ok());
        const auto spilo = [](const std::vector<std::pair<std::string, std::string>>& values) {
            Json env = Json::array();
            for (const auto& [name, value] : values) env.push_back(variable(name, value));
            return pod("spilo", env);
        };
        // Whichever of the two its entrypoint reads.
        const Json both = spilo({{"SCOPE", "shop"}, {"PATRONI_SCOPE", "shop"}});
        const auto half = joins(both, spilo({{"SCOPE", "copy"}, {"PATRONI_SCOPE", "shop"}}));
        REQUIRE_FALSE(half.ok());
        CHECK(half.error().message ==
              "sts/postgres is Patroni (env PATRONI_SCOPE of container db): variable PATRONI_SCOPE has the scope of "
              "the source's cluster; nothing was changed");
        CHECK(joins(both, spilo({{"SCOPE", "copy"}, {"PATRONI_SCOPE", "copy"}}), false, untied).ok());
        for (const char* archive : {"WALG_S3_PREFIX", "WALE_S3_PREFIX", "WAL_S3_BUCKET", "USE_WALG_BACKUP"}) {
            const auto refused = joins(spilo({{"SCOPE", "shop"}, {archive, "s3://shop"}}),
                                       spilo({{"SCOPE", "copy"}, {archive, "s3://shop"}}));
            REQUIRE_FALSE(refused.ok());
            CHECK(says(refused.error().message, std::string("by variable ") + archive + " it would archive"));
            CHECK(joins(spilo({{"SCOPE", "shop"}, {archive, "s3://shop"}}),
                        spilo({{"SCOPE", "copy"}, {archive, "s3://copy"}}), false, untied)
                      .ok());
        }
        Json pushed = spilo({{"SCOPE", "copy"}});
        pushed["containers"].push_back({{"name", "pgbackrest"}, {"image", "team/pgbackrest:2"}});
        CHECK(says(joins(spilo({{"SCOPE", "shop"}}), pushed).error().message,
                   "backs up to where the source's backups are"));
        const Json mongo = pod("mongo:7", Json::array(), Json::array({"--replSet", "rs0"}));
        CHECK(joins(mongo, mongo).error().kind == ErrorKind::kRefused);
        CHECK(joins(mongo, pod("mongo:7")).ok());
        const Json by_file = pod("mongo:7", Json::array(), Json::array({"--config", "/etc/mongod.conf"}));
        CHECK(joins(by_file, by_file).error().kind == ErrorKind::kRefused);
        const Json kafka = pod("cp-kafka", Json::array({variable("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-0:9093")}));
        CHECK(joins(kafka, kafka).error().kind == ErrorKind::kRefused);
        CHECK(joins(pod("mysql:8"), pod("mysql:8")).error().kind == ErrorKind::kRefused);
        CHECK(joins(pod("nginx"), pod("nginx")).ok());
    }

    TEST_CASE("controllers that a Kafka is told by its file are not replaced by a variable") {
        const Json kafka = pod("bitnami/kafka:3.7", Json::array({variable("KAFKA_HEAP_OPTS", "x")}));
        const Json made =
            pod("bitnami/kafka:3.7",
                Json::array({variable("KAFKA_HEAP_OPTS", "x"), variable("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@copy")}));
        const Status vain = joins(kafka, made);
        REQUIRE_FALSE(vain.ok());
        CHECK(says(vain.error().hint, "kubectl clone pvc/NAME COPY"));
    }
}
