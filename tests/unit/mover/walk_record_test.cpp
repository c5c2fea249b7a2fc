#include "plugins/migrate/mover/walk_record.h"
#include "common/os/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace holdfast::mover {
namespace {

bool same_looked(const Looked& a, const Looked& b) { return a.meta == b.meta && a.facts == b.facts; }

}  // namespace

TEST_CASE("what a walk saw comes again in its order, but for open directories") {
    const auto folder = TemporaryDirectory::create(), scratch = TemporaryDirectory::create();
    REQUIRE((folder.ok() && scratch.ok()));
    const std::filesystem::path root(folder->path());
    // More than is read at a time, deep and wide, and a directory without anything in it.
    std::filesystem::create_directories(root / "a/b/c/d");
    std::filesystem::create_directories(root / "empty");
    for (int i = 0; i < 5000; ++i)
        std::ofstream(root / (i % 2 == 0 ? "a/b" : "a") / (std::string(100, 'n') + std::to_string(i)));
    REQUIRE(symlink("nowhere", (root / "z").c_str()) == 0);
    REQUIRE(mkfifo((root / "a/fifo").c_str(), 0640) == 0);
    auto tree = Tree::open(folder->path(), "source");
    REQUIRE(tree.ok());
    auto record = WalkRecord::create(scratch->path());
    REQUIRE(record.ok());
    Walk walk(*tree, scratch->path());
    std::size_t count = 0;
    for (;; ++count) {
        const auto visited = walk.next();
        REQUIRE(visited.ok());
        if (visited->visit == Visit::kEnd) break;
        REQUIRE(record->add(*visited).ok());
    }
    CHECK(count == 5000 + 2 + 2 * 6);
    Walk again(*tree, scratch->path());
    while (true) {
        const auto expected = again.next();
        const auto seen = record->next();
        REQUIRE((expected.ok() && seen.ok()));
        REQUIRE(seen->visit == expected->visit);
        REQUIRE(seen->path == expected->path);
        CHECK(same_looked(seen->looked, expected->looked));
        CHECK(seen->directory == -1);
        if (seen->visit == Visit::kEnd) break;
    }
}

TEST_CASE("a directory that could not be entered stays one") {
    const auto scratch = TemporaryDirectory::create();
    REQUIRE(scratch.ok());
    auto record = WalkRecord::create(scratch->path());
    REQUIRE(record.ok());
    Visited root{Visit::kEnter, "", 5, {}, 0}, closed{Visit::kEntry, "closed", 5, {}, 13};
    root.looked.meta.kind = closed.looked.meta.kind = Kind::kDirectory;
    closed.looked.meta.mtime = {-5, 999999999};
    for (const Visited& one : {root, closed, Visited{Visit::kLeave, "", 5, {}, 0}}) REQUIRE(record->add(one).ok());
    REQUIRE(record->next().ok());
    const auto seen = record->next();
    REQUIRE(seen.ok());
    CHECK(seen->closed == 13);
    CHECK(seen->path == "closed");
    CHECK(same_looked(seen->looked, closed.looked));
    CHECK(record->next()->visit == Visit::kLeave);
    CHECK(record->next()->visit == Visit::kEnd);
    CHECK(record->next()->visit == Visit::kEnd);
}

}  // namespace holdfast::mover
