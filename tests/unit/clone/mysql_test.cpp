// MySQL and MariaDB: what sets a copy apart from its source, and what only looks so.
#include "by_image.h"
#include "plugins/clone/software.h"
#include "scene.h"

#include "common/core/text.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

// Its container has the volume of its data there.
Json with_data(Json spec, const std::string& at) {
    spec["containers"][0]["volumeMounts"] = Json::array({{{"name", "data"}, {"mountPath", at}}});
    return spec;
}

Status mysql_joins(const Json& source, const Json& made) {
    return check_joining(whole(), {recognise(source), {}}, source, made);
}

}  // namespace

TEST_SUITE("clone mysql") {
    TEST_CASE("a MySQL starts with another server_uuid and without replicating, or not at all") {
        const Json mysql = pod_of("mysql:8");
        const Status refused = mysql_joins(mysql, mysql);
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
            Json spec = pod_of("mysql:8", env, args);
            spec["containers"][0]["command"] = command;
            return spec;
        };
        const Json without =
            Json::array({"sh", "-c", "rm -f /var/lib/mysql/auto.cnf; exec \"$@\"", "sh", "docker-entrypoint.sh"});
        CHECK(mysql_joins(mysql, started(without, Json::array({"mysqld", "--skip-replica-start"}))).ok());
        CHECK(mysql_joins(mysql, started(without, Json::array({"mysqld", "--skip_slave_start=ON"}))).ok());
        // Before 8.0.26 a server knows but one of them, and would not start by the other.
        CHECK(mysql_joins(mysql, started(without, Json::array({"mysqld", "--loose-skip-replica-start",
                                                               "--loose-skip-slave-start"})))
                  .ok());
        CHECK(says(mysql_joins(mysql, started(without, Json::array({"mysqld"}))).error().message,
                   "would replicate as its source"));
        CHECK_FALSE(mysql_joins(mysql, started(without, Json::array({"mysqld", "--skip-replica-start=OFF"}))).ok());
        const Status same_uuid =
            mysql_joins(mysql, pod_of("mysql:8", Json::array(), Json::array({"--skip-replica-start"})));
        REQUIRE_FALSE(same_uuid.ok());
        CHECK(says(same_uuid.error().message, "source's server_uuid (auto.cnf); nothing"));
        CHECK_FALSE(says(same_uuid.error().hint, "args="));
    }

    TEST_CASE("what removes a MySQL's server_uuid in vain does not count") {
        const Json mysql = with_data(pod_of("mysql:8"), "/var/lib/mysql");
        const auto joined = [&](const Json& command, const Json& args, const Json& init = Json()) {
            Json made = with_data(pod_of("mysql:8", Json::array(), args), "/var/lib/mysql");
            if (!command.empty()) made["containers"][0]["command"] = command;
            if (!init.empty()) made["initContainers"] = Json::array({init});
            return mysql_joins(mysql, made);
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
            Json made = pod_of("mysql:8", Json::array(), args);
            made["containers"][0]["command"] = by;
            return mysql_joins(pod_of("mysql:8"), made);
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
        const Json mariadb = pod_of("mariadb:11");
        CHECK_FALSE(
            mysql_joins(mariadb, pod_of("mariadb:11", Json::array(), {"mariadbd", "--loose-skip-replica-start"})).ok());
        CHECK(mysql_joins(mariadb, pod_of("mariadb:11", Json::array(), {"mariadbd", "--loose-skip-slave-start"})).ok());
        // Of Bitnami's image run.sh alone reads the variable, and each software its own.
        Json direct =
            pod_of("bitnami/mariadb:11", Json::array({variable("MARIADB_EXTRA_FLAGS", "--skip-slave-start")}));
        CHECK(mysql_joins(pod_of("bitnami/mariadb:11"), direct).ok());
        direct["containers"][0]["command"] = {"/opt/bitnami/mariadb/sbin/mariadbd"};
        CHECK_FALSE(mysql_joins(pod_of("bitnami/mariadb:11"), direct).ok());
        CHECK_FALSE(mysql_joins(pod_of("bitnami/mariadb:11"),
                                pod_of("bitnami/mariadb:11",
                                       Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-slave-start")})))
                        .ok());
    }

    TEST_CASE("a variable makes no MariaDB, which has no server_uuid, of a MySQL") {
        const Json args = {"mysqld", "--skip-replica-start"};
        const Status named =
            mysql_joins(pod_of("mysql:8"), pod_of("mysql:8", Json::array({variable("MARIADB_X", "1")}), args));
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
        Json mounted = with_data(pod_of("mysql:8"), "/data");
        mounted["containers"][0]["volumeMounts"].push_back({{"name", "conf"}, {"mountPath", "/etc/mysql/conf.d"}});
        CHECK(says(hint(mounted, {"/data/db/auto.cnf", "/data/db/ibdata1"}), "rm -f /data/db/auto.cnf;"));
        // One folder of several, and one that nobody has looked for.
        const Json flags = {"mysqld", "--skip-replica-start"};
        const std::string dir = "where /DIR is what the source says: select @@datadir";
        for (const Json& unknown : {mounted, pod_of("team/db:1", Json::array({variable("MYSQL_ROOT_PASSWORD", "x")})),
                                    pod_of("mysql:8", Json::array(), {"mysqld", "--defaults-file=/conf/my.cnf"}),
                                    pod_of("mysql:8", Json::array(), {"mysqld", "--datadir=$(DATA)"})}) {
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
        // The clone has that volume elsewhere.
        Json moved = told;
        moved["containers"][0]["command"][2] = "rm -f /data/db/auto.cnf; exec \"$@\"";
        moved["containers"][0]["args"] = {"mysqld", "--skip-replica-start"};
        CHECK(look(mounted, moved, {"/data/db/auto.cnf"}).ok());
        moved["containers"][0]["volumeMounts"][0]["mountPath"] = "/elsewhere";
        CHECK_FALSE(look(mounted, moved, {"/data/db/auto.cnf"}).ok());
        // Found in a container beside it the folder is another one.
        Joining beside{recognise(mounted), {}};
        beside.files = {"/other/auto.cnf"};
        beside.looked_in = "other";
        CHECK(says(check_joining(whole(), beside, mounted, mounted).error().hint, dir));
        // Images whose own configuration leaves it where it is.
        CHECK(says(hint(pod_of("percona/percona-server:8.0")), "rm -f /var/lib/mysql/auto.cnf"));
        // Data without one is a MariaDB's, in an image that does not say which it is.
        const Json unnamed = pod_of("team/db:1", Json::array({variable("MYSQL_ROOT_PASSWORD", "x")}), flags);
        const std::vector<std::string> data = {"/d/ibdata1", "/d/mysql", "/holdfast-looked"};
        Json slave = unnamed;
        slave["containers"][0]["args"] = {"mariadbd", "--skip-slave-start"};
        CHECK(look(unnamed, slave, data).ok());
        CHECK_FALSE(look(unnamed, slave, {"/d/ibdata1", "/d/mysql"}).ok());  // it did not look everywhere
        CHECK_FALSE(look(unnamed, slave, {"/d/ibdata1", "/d/mysql", "/d/auto.cnf", "/holdfast-looked"}).ok());
    }

    TEST_CASE("a variable that no image reads gives a MySQL no identity of its own") {
        const Json source = pod_of("mysql:8", Json::array(), Json::array({"--server-id=1", "--datadir=/data"}));
        const Status vain = mysql_joins(source, pod_of("mysql:8", Json::array({variable("MYSQL_SERVER_ID", "9")}),
                                                       Json::array({"--server-id=1", "--datadir=/data"})));
        REQUIRE_FALSE(vain.ok());
        CHECK(says(vain.error().message,
                   "variable MYSQL_SERVER_ID does nothing in its image; the clone has the source's"));
        CHECK(says(vain.error().hint, "rm -f /data/auto.cnf"));
        CHECK(
            says(vain.error().hint, R"("--datadir=/data","--loose-skip-replica-start","--loose-skip-slave-start"]')"));
        CHECK_FALSE(
            mysql_joins(source, pod_of("mysql:8", Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-replica-start")})))
                .ok());
        const Json bitnami = pod_of("bitnami/mysql:8.4");
        const Status there = mysql_joins(bitnami, bitnami);
        CHECK(says(there.error().hint, "rm -f /bitnami/mysql/data/auto.cnf"));
        CHECK(says(there.error().hint, "/opt/bitnami/scripts/mysql/run.sh"));
        CHECK(
            says(there.error().hint, "--env 'MYSQL_EXTRA_FLAGS=--loose-skip-replica-start --loose-skip-slave-start'"));
        Json made =
            with_data(pod_of("bitnami/mysql:8.4", Json::array({variable("MYSQL_EXTRA_FLAGS", "--skip-replica-start")})),
                      "/bitnami/mysql");
        CHECK_FALSE(mysql_joins(bitnami, made).ok());
        made["initContainers"] =
            Json::array({{{"name", "uuid"},
                          {"command", Json::array({"rm", "-f", "/old/data/auto.cnf"})},
                          {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", "/old"}}})}}});
        CHECK(mysql_joins(bitnami, made).ok());
        // A MariaDB has no server_uuid.
        const Json mariadb = pod_of("mariadb:11");
        CHECK(mysql_joins(mariadb, mariadb).error().hint ==
              R"(start it by itself: --set 'spec.template.spec.containers[0].args=["mariadbd","--skip-slave-start"]')");
        CHECK(mysql_joins(mariadb, pod_of("mariadb:11", Json::array(), Json::array({"mariadbd", "--skip-slave-start"})))
                  .ok());
    }
}
