#include "common/os/files.h"
#include "common/os/subprocess.h"
#include "plugins/clone/fresh.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

using namespace holdfast;

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The script as a pod runs it, with the pod's folders under one of the test's own.
class Pod {
  public:
    Pod() {
        auto made = TemporaryDirectory::create();
        REQUIRE(made.ok());
        folder_ = std::make_unique<TemporaryDirectory>(std::move(*made));
        root = folder_->path();
        for (const char* name : {"holdfast", "holdfast-from/0", "holdfast-to/0", "bin"})
            fs::create_directories(root / name);
        write(root / "holdfast-from/0/pgdata/base/1", std::string(10'000, 'x'));
        write(root / "holdfast-from/0/.hidden", "too");
        write(root / "holdfast-from/0/with space", "and a name");
        fs::create_directory(root / "holdfast-from/0/empty");
        fs::create_symlink("pgdata", root / "holdfast-from/0/link");
    }

    CommandOutput run() {
        std::string script = clone::copy_script();
        for (const char* name : {"/holdfast-from/", "/holdfast-to/", "/holdfast/"}) {
            const std::string to = root.string() + name;
            for (std::size_t at = 0; (at = script.find(name, at)) != std::string::npos; at += to.size())
                script.replace(at, std::string(name).size(), to);
        }
        Command command;
        command.argv = {"/bin/sh", "-c", script};
        command.environment = {{"HOLDFAST_VOLUMES", "0"}, {"PATH", (root / "bin").string() + ":/usr/bin:/bin"}};
        auto ran = run_command(command);
        REQUIRE(ran.ok());
        return *ran;
    }

    // In place of cp: what it has copied is spoiled afterwards.
    void spoil(const std::string& how) {
        write(root / "bin/cp",
              "#!/bin/sh\n/bin/cp \"$@\"\ncd \"" + (root / "holdfast-to/0").string() + "\"\n" + how + "\n");
        fs::permissions(root / "bin/cp", fs::perms::owner_all);
    }

    fs::path root;

  private:
    std::unique_ptr<TemporaryDirectory> folder_;
};

}  // namespace

TEST_SUITE("clone copy script") {
    TEST_CASE("every file comes onto the fresh volume, hidden ones, links and empty folders too") {
        Pod pod;
        const CommandOutput ran = pod.run();
        CHECK_MESSAGE(ran.exit_code == 0, ran.err);
        const fs::path to = pod.root / "holdfast-to/0";
        CHECK(text_of(to / "pgdata/base/1") == std::string(10'000, 'x'));
        CHECK(text_of(to / ".hidden") == "too");
        CHECK(text_of(to / "with space") == "and a name");
        CHECK(fs::is_directory(to / "empty"));
        CHECK(fs::read_symlink(to / "link") == "pgdata");
    }

    TEST_CASE("a volume that is not empty is not written to") {
        Pod pod;
        write(pod.root / "holdfast-to/0/foreign", "somebody's");
        const CommandOutput ran = pod.run();
        CHECK(ran.exit_code == 1);
        CHECK(ran.err.find("the volume that was to be fresh holds foreign") != std::string::npos);
        CHECK_FALSE(fs::exists(pod.root / "holdfast-to/0/pgdata"));
    }

    TEST_CASE("what was written and is not what was read fails the copy") {
        for (const char* how : {"[ ! -e pgdata ] || echo y >pgdata/base/1", "rm -rf .hidden",
                                "rmdir empty 2>/dev/null || :", "[ ! -L link ] || ln -sfn elsewhere link",
                                "chmod -f 0711 pgdata || :", ": >more"}) {
            CAPTURE(how);
            Pod pod;
            pod.spoil(how);
            const CommandOutput ran = pod.run();
            CHECK(ran.exit_code == 1);
            CHECK(ran.err.find("what was copied is not what is there now") != std::string::npos);
        }
    }

    TEST_CASE("nothing to copy is no copy") {
        Pod pod;
        fs::remove_all(pod.root / "holdfast-from/0");
        fs::create_directory(pod.root / "holdfast-from/0");
        CHECK(pod.run().exit_code == 1);
    }
}
