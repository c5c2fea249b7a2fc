// By what each kind of software is recognised, each sign by itself: one that is forgotten lets a clone join its source.
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

Json pod(const std::string& image, const Json& env = Json::array()) {
    return {{"containers", Json::array({{{"name", "db"}, {"image", image}, {"env", env}}})}};
}

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
     {{"WiredTiger", "storage.bson"}}}};

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
    return recognise_files(split(ran->out, '\n'));
}

}  // namespace

TEST_SUITE("clone recognised") {
    TEST_CASE("by each image, though nothing else tells") {
        for (const Signs& one : kSigns) {
            for (const std::string& image : one.images) {
                CAPTURE(image);
                CHECK(recognise(pod(image)).software == one.software);
            }
        }
    }

    TEST_CASE("by each variable, though the image tells nothing") {
        for (const Signs& one : kSigns) {
            for (const std::string& name : one.variables) {
                CAPTURE(name);
                const Recognised found = recognise(pod("team/db:1", Json::array({{{"name", name}, {"value", "x"}}})));
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
}
