#include "plugins/migrate/mover/survey.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/walk.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <filesystem>
#include <fstream>
#include <vector>

namespace holdfast::mover {
namespace {

const std::atomic<bool> kGoOn = false;

Fingerprint glance(const std::string& path, const Looked& looked) { return glance_fingerprint(path, looked.meta); }

// The same by a walk in the order of names.
Fingerprint walked(const Tree& tree, const std::string& scratch) {
    Fingerprint sum;
    Walk walk(tree, scratch);
    while (true) {
        const Result<Visited> visited = walk.next();
        REQUIRE(visited.ok());
        if (visited->visit == Visit::kEnd) return sum;
        if (visited->visit != Visit::kLeave) sum = sum + glance(visited->path, visited->looked);
    }
}

}  // namespace

TEST_CASE("a survey by several threads sees what a walk sees") {
    const auto folder = TemporaryDirectory::create(), scratch = TemporaryDirectory::create();
    REQUIRE((folder.ok() && scratch.ok()));
    const std::filesystem::path root(folder->path());
    for (int i = 0; i < 30; ++i) {
        std::filesystem::create_directories(root / std::to_string(i % 5) / std::to_string(i));
        std::ofstream(root / std::to_string(i % 5) / std::to_string(i) / "file") << i;
    }
    std::ofstream(root / std::string(kJournalName)) << "the mover's own";
    auto tree = Tree::open(folder->path(), "source");
    REQUIRE(tree.ok());
    const Fingerprint all = walked(*tree, scratch->path());
    for (const int threads : {1, 4}) {
        const auto seen = survey(*tree, threads, glance, kGoOn);
        REQUIRE(seen);
        CHECK(seen->all == all);
        CHECK(seen->agrees_with(all));
    }
    CHECK(all.entries == 1 + 5 + 30 + 30);
    REQUIRE(chmod((root / "3/8/file").c_str(), 0600) == 0);
    const auto after = survey(*tree, 4, glance, kGoOn);
    REQUIRE(after);
    CHECK_FALSE(after->agrees_with(all));
}

TEST_CASE("lost+found may be there or not, and what else is in the way may not") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    const auto plain = survey(*tree, 1, glance, kGoOn);
    std::filesystem::create_directories(folder->path() + "/lost+found/#12");
    const auto lost = survey(*tree, 1, glance, kGoOn);
    REQUIRE((plain && lost));
    CHECK(lost->lost.entries == 2);
    CHECK(lost->all.entries == 1);
    CHECK(lost->agrees_with(lost->all));
    CHECK(lost->agrees_with(lost->all + lost->lost));
    std::ofstream(folder->path() + "/more") << "";
    const auto more = survey(*tree, 1, glance, kGoOn);
    REQUIRE(more);
    CHECK_FALSE(more->agrees_with(lost->all));
}

TEST_CASE("a survey that is stopped knows nothing") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    std::filesystem::create_directories(folder->path() + "/a/b");
    const std::atomic<bool> stop = true;
    CHECK_FALSE(survey(*tree, 2, glance, stop));
    CHECK(survey(*tree, 2, glance, kGoOn));
}

TEST_CASE("a survey that would hold too much ends, and knows nothing") {
    // Beneath a path of almost 3 KiB a thousand directories are as much as may wait to be looked into.
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    std::string beneath = folder->path();
    while (beneath.size() < 2900) beneath += "/" + std::string(200, 'd');
    REQUIRE(std::filesystem::create_directories(beneath));
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    int seen = 0;
    std::string last;
    auto counted = [&](const std::string& path, const Looked&) {
        ++seen;
        last = path;
        return Fingerprint();
    };
    auto fill = [](const std::string& parent, int from, int until) {
        for (int i = from; i < until; ++i) REQUIRE(mkdir((parent + "/" + std::to_string(i)).c_str(), 0700) == 0);
    };
    fill(beneath, 0, 700);
    CHECK(survey(*tree, 1, counted, kGoOn));
    const int all = seen;
    // The one that was listed last is looked into first: as many again, while 699 others wait.
    seen = 0;
    CHECK_FALSE(survey(
        *tree, 1,
        [&](const std::string& path, const Looked& looked) {
            const Fingerprint none = counted(path, looked);
            if (seen == all) fill(folder->path() + "/" + last, 0, 700);
            return none;
        },
        kGoOn));
    // One that alone has too many is not read to its end.
    fill(beneath, 700, 1500);
    seen = 0;
    CHECK_FALSE(survey(*tree, 1, counted, kGoOn));
    CHECK(seen < 1300);
}

TEST_CASE("a survey that comes upon a directory that cannot be opened knows nothing") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    std::filesystem::create_directories(folder->path() + "/a/b");
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    // Seen as a directory, and gone before it is looked into: root, who may be running this, may read all that is
    // there.
    CHECK_FALSE(survey(
        *tree, 1,
        [&](const std::string& path, const Looked& looked) {
            if (path == "a/b") std::filesystem::remove(folder->path() + "/a/b");
            return glance(path, looked);
        },
        kGoOn));
}

TEST_CASE("a fingerprint depends on every part of an entry, not on the order, and counts what comes twice") {
    Meta meta;
    const Facts facts{5, {7, 8}, 2, 16};
    std::vector<Fingerprint> all{glance_fingerprint("a", meta), glance_fingerprint("b", meta)};
    auto with = [&](auto change) {
        Meta changed = meta;
        change(changed);
        all.push_back(glance_fingerprint("a", changed));
    };
    with([](Meta& m) { m.kind = Kind::kDirectory; });
    with([](Meta& m) { m.mode = 1; });
    with([](Meta& m) { m.uid = 1; });
    with([](Meta& m) { m.gid = 1; });
    with([](Meta& m) { m.mtime.seconds = 1; });
    with([](Meta& m) { m.mtime.nanoseconds = 1; });
    with([](Meta& m) { m.size = 1; });
    with([](Meta& m) { m.device = 1; });
    all.push_back(source_fingerprint("a", meta, facts));
    all.push_back(source_fingerprint("b", meta, facts));
    for (const Facts& other :
         {Facts{6, {7, 8}, 2, 16}, Facts{5, {8, 8}, 2, 16}, Facts{5, {7, 9}, 2, 16}, Facts{5, {7, 8}, 3, 16}})
        all.push_back(source_fingerprint("a", meta, other));
    // Room that is set aside for a file comes and goes, and is none of its content.
    CHECK(source_fingerprint("a", meta, Facts{5, {7, 8}, 2, 8}) == source_fingerprint("a", meta, facts));
    Meta later = meta, larger = meta;
    later.mtime.nanoseconds = 1;
    larger.size = 1;
    all.push_back(source_fingerprint("a", later, facts));
    all.push_back(source_fingerprint("a", larger, facts));
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(all[i] == all[j]);
    CHECK(all[0] + all[1] == all[1] + all[0]);
    CHECK_FALSE(all[0] + all[0] == Fingerprint{2, 0, 0});
    const Fingerprint carried = Fingerprint{1, 0, UINT64_MAX} + Fingerprint{1, 0, 1};
    CHECK(carried == Fingerprint{2, 1, 0});
}

}  // namespace holdfast::mover
