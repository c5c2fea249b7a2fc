#include "plugins/clone/software.h"
#include "scene.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Json pod(const std::string& image, const Json& env = Json::array(), const Json& args = Json::array()) {
    return {{"containers", Json::array({{{"name", "db"}, {"image", image}, {"env", env}, {"args", args}}})}};
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

    TEST_CASE("the others need their identity set") {
        const Json patroni = pod("spilo", Json::array({variable("PATRONI_SCOPE", "shop")}));
        CHECK(joins(patroni, patroni).error().kind == ErrorKind::kRefused);
        CHECK(joins(patroni, patroni, true).error().kind == ErrorKind::kRefused);
        CHECK(joins(patroni, pod("spilo", Json::array({variable("PATRONI_SCOPE", "copy")}))).ok());
        const Json mongo = pod("mongo:7", Json::array(), Json::array({"--replSet", "rs0"}));
        CHECK(joins(mongo, mongo).error().kind == ErrorKind::kRefused);
        CHECK(joins(mongo, pod("mongo:7")).ok());
        const Json kafka = pod("cp-kafka", Json::array({variable("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-0:9093")}));
        CHECK(joins(kafka, kafka).error().kind == ErrorKind::kRefused);
        CHECK(joins(pod("mysql:8"), pod("mysql:8")).error().kind == ErrorKind::kRefused);
        CHECK(joins(pod("nginx"), pod("nginx")).ok());
    }
}
