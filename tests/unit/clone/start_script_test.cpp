// What the throwaway database that masks does to the files of its copy before the server starts.
#include "common/copies/database.h"
#include "common/os/files.h"
#include "common/os/subprocess.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>

using namespace holdfast;

namespace {

namespace fs = std::filesystem;

void put_file(const fs::path& path, const std::string& text = "x") {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

// The script as the pod runs it, with the pod's folders and programs under one of the test's own. Its server answers
// what it is set to, and ends.
class DatabasePod {
  public:
    DatabasePod() {
        auto made = TemporaryDirectory::create();
        REQUIRE(made.ok());
        folder_ = std::make_unique<TemporaryDirectory>(std::move(*made));
        root = folder_->path();
        data = root / "data/pgdata";
        fs::create_directories(root / "holdfast");
        for (const char* name : {"PG_VERSION", "postgresql.conf", "pg_hba.conf", "global/pg_control", "base/5/16384",
                                 "pg_wal/000000010000000000000001"})
            put_file(data / name);
        put_file(data / "PG_VERSION", "99\n");
        put_program("gosu", "shift; exec \"$@\"");  // as root, too, nobody else is needed
        put_program("stat", "echo 999");
        put_program("chown", ":");
        set("log", "postgresql-%Y-%m-%d_%H%M%S.log");
    }

    // log_directory and log_filename, as the server says that they are.
    void set(const std::string& directory, const std::string& name) {
        put_program("postgres", "case $* in --version) echo 'postgres (PostgreSQL) " + major +
                                    ".1' ;; '-C log_directory '*) echo '" + directory +
                                    "' ;; '-C log_filename '*) echo '" + name + "' ;; *) echo \"$*\" ;; esac");
    }

    void set_major(const std::string& version) {
        major = version;
        put_file(data / "PG_VERSION", version + "\n");
        set("log", "postgresql.log");
    }

    CommandOutput run(const std::string& masks = "yes") {
        std::string script = copies::start_script(true);
        for (const auto& [from, to] : {std::pair<std::string, std::string>{"/holdfast/", (root / "holdfast/").string()},
                                       {"/usr/lib/postgresql/", (root / "none/").string()},
                                       {"/usr/local/bin:", (root / "bin").string() + ":"},
                                       {"id -u", "echo 0"}}) {
            for (std::size_t at = 0; (at = script.find(from, at)) != std::string::npos; at += to.size())
                script.replace(at, from.size(), to);
        }
        Command command;
        command.argv = {"/bin/sh", "-c", script};
        command.environment = {{"PATH", (root / "bin").string() + ":/usr/bin:/bin"},
                               {"HOLDFAST_DATA", data.string()},
                               {"HOLDFAST_ROOTS", (root / "data").string()},
                               {"HOLDFAST_MAJOR", ""},
                               {"HOLDFAST_MASKS", masks}};
        auto ran = run_command(command);
        REQUIRE(ran.ok());
        return *ran;
    }

    bool keeps(const std::string& name) const { return fs::exists(data / name); }

    fs::path root, data;
    std::string major = "99";

  private:
    void put_program(const std::string& name, const std::string& text) {
        put_file(root / "bin" / name, "#!/bin/sh\n" + text + "\n");
        fs::permissions(root / "bin" / name, fs::perms::owner_all);
    }

    std::unique_ptr<TemporaryDirectory> folder_;
};

}  // namespace

TEST_SUITE("clone start script") {
    TEST_CASE("server logs go, under whatever name and wherever the server's settings have them") {
        DatabasePod pod;
        pod.set("pg_statements", "shop %a [%%]");
        const std::vector<std::string> logs = {"pg_statements/shop Mon [%]", "pg_statements/shop Tue [%].csv",
                                               "pg_statements/shop Wed [%].json", "pg_statements/shop Mon [%].1.gz",
                                               "log/anything"};
        for (const std::string& name : logs) put_file(pod.data / name);
        put_file(pod.data / "pg_statements/notes");
        const CommandOutput ran = pod.run();
        CHECK_MESSAGE(ran.exit_code == 0, ran.err);
        for (const std::string& name : logs) {
            CAPTURE(name);
            CHECK_FALSE(pod.keeps(name));
        }
        CHECK(pod.keeps("pg_statements/notes"));
        CHECK(pod.keeps("postgresql.conf"));
    }

    TEST_CASE("logs beside the database's own files go by their names alone") {
        DatabasePod pod;
        pod.set(".", "server-%Y-%m-%d.txt");
        for (const char* name :
             {"server-2026-11-28.txt", "server-2026-11-29.txt", "server-2026-11-29.txt.csv", "server.txt"})
            put_file(pod.data / name);
        put_file(pod.data / "patroni.dynamic.json");
        const CommandOutput ran = pod.run();
        CHECK_MESSAGE(ran.exit_code == 0, ran.err);
        for (const char* name : {"server-2026-11-28.txt", "server-2026-11-29.txt", "server-2026-11-29.txt.csv"})
            CHECK_FALSE(pod.keeps(name));
        for (const char* name : {"server.txt", "patroni.dynamic.json", "PG_VERSION", "global/pg_control"})
            CHECK(pod.keeps(name));
    }

    TEST_CASE("where they cannot be told from the database's own files, nothing is masked and nothing goes") {
        for (const auto& [directory, name] : {std::pair<const char*, const char*>{".", "%c"},
                                              {".", "postgresql"},
                                              {"base/5", "%s"},
                                              {"pg_wal", "%Y%m%d%H%M%S"}}) {
            CAPTURE(name);
            DatabasePod pod;
            pod.set(directory, name);
            const CommandOutput ran = pod.run();
            CHECK(ran.exit_code == copies::kNotTheDatabases);
            CHECK(ran.err.find("cannot be told from the database's own files") != std::string::npos);
            for (const char* own : {"PG_VERSION", "postgresql.conf", "base/5/16384", "pg_wal/000000010000000000000001"})
                CHECK(pod.keeps(own));
            CHECK(pod.run("").exit_code == 0);  // nothing is to be masked: they stay
            CHECK(pod.keeps("base/5/16384"));
        }
    }

    TEST_CASE("the log that the running server wrote last is found whatever set its name, with those of other days") {
        DatabasePod pod;
        pod.set("log", "postgresql-%Y.log");  // its arguments said otherwise
        put_file(pod.data / "current_logfiles",
                 "stderr statements/day-2026-11-29\ncsvlog statements/day-2026-11-29.csv\n");
        for (const char* name :
             {"day-2026-11-29", "day-2026-11-29.csv", "day-2026-11-28", "day-2026-11-28.csv", "days"})
            put_file(pod.data / "statements" / name);
        const CommandOutput ran = pod.run();
        CHECK_MESSAGE(ran.exit_code == 0, ran.err);
        for (const char* name : {"day-2026-11-29", "day-2026-11-29.csv", "day-2026-11-28", "day-2026-11-28.csv"})
            CHECK_FALSE(pod.keeps(std::string("statements/") + name));
        CHECK(pod.keeps("statements/days"));
    }

    TEST_CASE(
        "a source that defers the cleanup of old rows has them rewritten away all the same, and 16 knows no such") {
        const std::string setting = " -c vacuum_defer_cleanup_age=0";
        for (const auto& [major, told] : {std::pair{"12", true}, {"15", true}, {"16", false}}) {
            CAPTURE(major);
            DatabasePod pod;
            pod.set_major(major);
            const CommandOutput ran = pod.run();
            CHECK_MESSAGE(ran.exit_code == 0, ran.err);
            CHECK((ran.out.find(setting) != std::string::npos) == told);
            CHECK(ran.out.find(" -c autovacuum=off") != std::string::npos);
        }
    }
}
