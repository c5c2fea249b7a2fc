#include "plugins/migrate/mover/look_ahead.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/walk.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <filesystem>
#include <fstream>

namespace holdfast::mover {
namespace {

namespace fs = std::filesystem;

struct Folders {
    Result<TemporaryDirectory> source = TemporaryDirectory::create(), scratch = TemporaryDirectory::create();
    fs::path root{source->path()};
    Result<Tree> tree = Tree::open(source->path(), "source");
};

void write(const fs::path& path) { std::ofstream(path) << path.string(); }

// What a walk tells, one thing a line; it leaves directories of the name "closed" at once.
std::vector<std::string> told(Walk& walk) {
    std::vector<std::string> lines;
    while (true) {
        const Result<Visited> visited = walk.next();
        REQUIRE(visited.ok());
        if (visited->visit == Visit::kEnd) return lines;
        const Looked& looked = visited->looked;
        lines.push_back(std::to_string(static_cast<int>(visited->visit)) + " " + visited->path + " " +
                        std::to_string(looked.facts.inode) + " " + std::to_string(looked.meta.size) + " " +
                        std::to_string(looked.meta.mtime.nanoseconds));
        if (visited->visit == Visit::kEnter && name_of(visited->path) == "closed") walk.skip();
    }
}

void check_same(const Folders& folders, int threads) {
    Walk plain(*folders.tree, folders.scratch->path());
    LookAhead ahead(*folders.tree, threads);
    Walk helped(*folders.tree, folders.scratch->path(), &ahead);
    const std::vector<std::string> expected = told(plain);
    CHECK(told(helped) == expected);
}

}  // namespace

TEST_CASE("a walk with others ahead of it tells what one alone does") {
    const Folders folders;
    REQUIRE((folders.source.ok() && folders.scratch.ok() && folders.tree.ok()));
    for (int i = 0; i < 60; ++i) {
        const fs::path folder = folders.root / std::to_string(i % 7) / ("a" + std::to_string(i)) / "closed";
        fs::create_directories(folder / "inside");
        write(folder / "never seen");
        write(folder.parent_path() / "file");
        // Between a directory and what is in it by bytes, after all of it in the order of a walk.
        write(folder.parent_path().string() + "-next");
        fs::create_symlink("nowhere", folder.parent_path() / "link");
    }
    write(folders.root / std::string(kJournalName));
    for (const int threads : {1, 4})
        for (int round = 0; round < 20; ++round) check_same(folders, threads);
}

TEST_CASE("a directory with more than may be held is walked, and so is what lies in it") {
    const Folders folders;
    REQUIRE((folders.source.ok() && folders.scratch.ok() && folders.tree.ok()));
    for (int i = 0; i < 6000; ++i) write(folders.root / ("file-" + std::to_string(i)));
    for (int i = 0; i < 20; ++i) {
        fs::create_directories(folders.root / ("folder-" + std::to_string(i)));
        write(folders.root / ("folder-" + std::to_string(i)) / "inside");
    }
    check_same(folders, 3);
    LookAhead ahead(*folders.tree, 1);
    const Result<Looked> root = look_at(folders.tree->root(), "", "");
    CHECK_FALSE(ahead.take("", folders.tree->root(), root->facts.inode));
}

TEST_CASE("levels that hold much are walked to the end") {
    const Folders folders;
    REQUIRE((folders.source.ok() && folders.scratch.ok() && folders.tree.ok()));
    fs::path level = folders.root;
    for (int depth = 0; depth < 12; ++depth) {
        for (int i = 0; i < 2000; ++i)
            REQUIRE(mknod((level / ("f" + std::to_string(i))).c_str(), S_IFREG | 0600, 0) == 0);
        level /= "deeper";
        fs::create_directory(level);
    }
    check_same(folders, 2);
}

TEST_CASE("what was seen in another directory than the one that is asked for is not told") {
    const Folders folders;
    REQUIRE((folders.source.ok() && folders.scratch.ok() && folders.tree.ok()));
    write(folders.root / "inside");
    const Result<Looked> root = look_at(folders.tree->root(), "", "");
    for (const std::uint64_t other : {0, 1}) {
        LookAhead ahead(*folders.tree, 2);
        const auto inside = ahead.take("", folders.tree->root(), root->facts.inode + other);
        CHECK(inside.has_value() == (other == 0));
    }
}

}  // namespace holdfast::mover
