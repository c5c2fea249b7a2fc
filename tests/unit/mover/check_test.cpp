#include "plugins/migrate/mover/check.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/rebuild.h"
#include "plugins/migrate/mover/walk.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

namespace holdfast::mover {
namespace {

class NeverInterrupted : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

constexpr std::size_t kLarge = 300'000;  // has blocks, of 16 KiB

// A tree of which there is an index: a small file, a directory with another, and one of several blocks.
class IndexedTree {
  public:
    IndexedTree() {
        REQUIRE((folder_.ok() && scratch_.ok()));
        std::filesystem::create_directory(at("d"));
        std::ofstream(at("a")) << "small";
        std::ofstream(at("d/b")) << "another";
        std::ofstream(at("large")) << std::string(kLarge, 'x');
        tree_.emplace(*Tree::open(folder_->path(), "target"));
        REQUIRE(rebuild_index(*tree_, index("all"), {"operation", 1, 2, false}, scratch_->path(), signals_).ok());
    }

    std::string at(const std::string& path) const { return folder_->path() + "/" + path; }
    std::string index(const std::string& name) const { return scratch_->path() + "/" + name; }

    // The same index, of what `change` leaves: false drops an entry, with its runs.
    void write(const std::string& name, const std::function<bool(Record&)>& change) const {
        auto from = IndexReader::open(index("all"));
        auto to = IndexWriter::create(index(name), {"operation", 1, 2, false});
        REQUIRE((from.ok() && to.ok()));
        bool kept = true;
        while (true) {
            auto record = from->next();
            REQUIRE(record.ok());
            if (!*record) break;
            const bool wanted = change(**record);
            kept = std::holds_alternative<Entry>(**record) ? wanted : kept;
            if (kept) REQUIRE(to->add(**record).ok());
        }
        REQUIRE(to->finish(2).ok());
    }

    std::vector<std::string> wrong(const std::string& name, CheckHow how, const EarlyReadBack* early = nullptr) {
        auto reader = IndexReader::open(index(name));
        REQUIRE(reader.ok());
        const auto verdict =
            check_tree(*tree_, std::move(*reader), {scratch_->path(), 2, how, true, early}, counters_, signals_);
        REQUIRE(verdict.ok());
        CHECK(verdict->differences == verdict->named.size());
        return verdict->named;
    }

    // As a pass writes it of a source, of what `change` leaves.
    IndexEnd write_source(const std::string& name, const std::function<void(Entry&)>& change = nullptr,
                          const Entry* last = nullptr) const {
        auto to = IndexWriter::create(index(name), {"operation", 1, 2, false});
        REQUIRE(to.ok());
        Walk walk(*tree_, scratch_->path());
        while (true) {
            auto visited = walk.next();
            REQUIRE(visited.ok());
            if (visited->visit == Visit::kEnd) break;
            if (visited->visit == Visit::kLeave) continue;
            Entry entry;
            entry.path = visited->path;
            entry.meta = visited->looked.meta;
            entry.facts = visited->looked.facts;
            if (change) change(entry);
            REQUIRE(to->add(entry).ok());
        }
        if (last != nullptr) REQUIRE(to->add(*last).ok());
        auto end = to->finish(2);
        REQUIRE(end.ok());
        return *end;
    }

    // How the last look at a source ends, of which `expected` was said.
    std::string changed(const std::string& name, const Fingerprint& expected) const {
        const Status looked = check_source(*tree_, index(name), expected, 2, scratch_->path());
        if (looked.ok()) return "";
        CHECK(looked.error().kind == ErrorKind::kMismatch);
        return looked.error().message.substr(0, looked.error().message.find(" while"));
    }

    Status prune(const std::string& name) const {
        auto reader = IndexReader::open(index(name));
        REQUIRE(reader.ok());
        return prune_tree(*tree_, std::move(*reader), scratch_->path());
    }

    // All runs of the index, read back before the check.
    std::unique_ptr<EarlyReadBack> read_early() {
        auto early = std::make_unique<EarlyReadBack>(*tree_, 2, counters_);
        auto reader = IndexReader::open(index("all"));
        REQUIRE(reader.ok());
        RunCheck current;
        for (auto record = reader->next(); record.ok() && *record; record = reader->next()) {
            if (const auto* entry = std::get_if<Entry>(&**record))
                current = {entry->path, {}, entry->block_size, entry->meta.size};
            else
                early->written({{current.path, std::get<Run>(**record), current.block_size, current.size}});
        }
        early->checkpoint(1);
        early->durable(1);
        early->finish();
        return early;
    }

    // Another content of the same length, with the time of before: only reading shows it.
    void spoil(const std::string& path, std::streamoff offset = 0) const {
        struct stat info {};
        REQUIRE(stat(at(path).c_str(), &info) == 0);
        std::fstream(at(path), std::ios::in | std::ios::out | std::ios::binary).seekp(offset) << '!';
        const timespec times[2] = {info.st_atim, info.st_mtim};
        REQUIRE(utimensat(AT_FDCWD, at(path).c_str(), times, 0) == 0);
    }

  private:
    Result<TemporaryDirectory> folder_ = TemporaryDirectory::create(), scratch_ = TemporaryDirectory::create();
    std::optional<Tree> tree_;
    Counters counters_;
    NeverInterrupted signals_;
};

using Found = std::vector<std::string>;

bool is_of(const Record& record, const std::string& path) {
    const auto* entry = std::get_if<Entry>(&record);
    return entry != nullptr && entry->path == path;
}

}  // namespace

TEST_CASE("what was read back early is not read again, but where all is to be read; what was wrong then is named") {
    IndexedTree tree;
    auto early = tree.read_early();
    tree.spoil("large", 20'000);  // after that: who reads it again sees it
    CHECK(tree.wrong("all", CheckHow::kUnverified, early.get()).empty());
    const Found spoilt{"target:large: has another content from byte 16384"};
    CHECK(tree.wrong("all", CheckHow::kAll, early.get()) == spoilt);
    CHECK(tree.wrong("all", CheckHow::kUnverified) == spoilt);
    early = tree.read_early();
    CHECK(tree.wrong("all", CheckHow::kUnverified, early.get()) == spoilt);
}

TEST_CASE("a tree is as its index says, until one name, attribute or byte is another") {
    IndexedTree tree;
    CHECK(tree.wrong("all", CheckHow::kAll).empty());
    tree.spoil("large", 20'000);
    CHECK(tree.wrong("all", CheckHow::kAll) == Found{"target:large: has another content from byte 16384"});
    tree.spoil("a");
    REQUIRE(chmod(tree.at("d").c_str(), 0711) == 0);
    std::filesystem::remove(tree.at("large"));
    std::ofstream(tree.at("new")) << "";
    CHECK(tree.wrong("all", CheckHow::kAll).size() == 5);  // and the root's time
}

TEST_CASE("of a list what is in it is looked at, and nothing else") {
    IndexedTree tree;
    tree.write("list", [](Record& record) { return !is_of(record, "a") && !is_of(record, ""); });
    CHECK(tree.wrong("list", CheckHow::kListed).empty());
    tree.spoil("a");
    std::ofstream(tree.at("new")) << "";
    CHECK(tree.wrong("list", CheckHow::kListed).empty());
    tree.spoil("d/b");
    CHECK(tree.wrong("list", CheckHow::kListed) == Found{"target:d/b: has another content"});
    tree.spoil("large", 299'999);
    CHECK(tree.wrong("list", CheckHow::kListed).size() == 2);
}

TEST_CASE("what a list has and the tree has not is missing, also with all the directory that it was in") {
    IndexedTree tree;
    tree.write("file", [](Record& record) { return is_of(record, "a"); });
    std::filesystem::remove(tree.at("a"));
    CHECK(tree.wrong("file", CheckHow::kListed) == Found{"target:a: is missing"});
    tree.write("directory", [](Record& record) { return is_of(record, "d"); });
    std::filesystem::remove_all(tree.at("d"));
    CHECK(tree.wrong("directory", CheckHow::kListed) == Found{"target:d: is missing"});
}

TEST_CASE("what was read back before is read again only when all is") {
    IndexedTree tree;
    tree.write("known", [](Record& record) {
        if (auto* entry = std::get_if<Entry>(&record)) entry->state |= kVerified;
        return true;
    });
    tree.spoil("a");
    tree.spoil("large", 20'000);
    CHECK(tree.wrong("known", CheckHow::kUnverified).empty());
    CHECK(tree.wrong("known", CheckHow::kAll).size() == 2);
    std::filesystem::resize_file(tree.at("a"), 1);
    CHECK(tree.wrong("known", CheckHow::kUnverified) == Found{"target:a: size is 1, not 5 bytes"});
}

TEST_CASE("of a file's blocks only those that were not read back before are read, unless all are") {
    IndexedTree tree;
    tree.write("blocks", [](Record& record) {
        auto* run = std::get_if<Run>(&record);
        if (run != nullptr) run->read_back.assign(run->hashes.size(), true);
        if (run != nullptr) run->read_back[3] = false;
        return true;
    });
    tree.spoil("large", 16384);
    CHECK(tree.wrong("blocks", CheckHow::kUnverified).empty());
    CHECK(tree.wrong("blocks", CheckHow::kAll) == Found{"target:large: has another content from byte 16384"});
    tree.spoil("large", 3 * 16384 + 5);
    CHECK(tree.wrong("blocks", CheckHow::kUnverified) == Found{"target:large: has another content from byte 49152"});
    CHECK(tree.wrong("blocks", CheckHow::kAll).size() == 2);
}

TEST_CASE("another name of a file is that file, or is named; of a first name that went away nothing is said") {
    IndexedTree tree;
    std::filesystem::create_hard_link(tree.at("a"), tree.at("z"));
    const auto linked_to = [&](const char* first) {
        tree.write_source("linked", [&](Entry& entry) {
            entry.state |= kVerified;
            if (entry.path == "z") entry.link_to = first;
        });
        return tree.wrong("linked", CheckHow::kUnverified);
    };
    CHECK(linked_to("a").empty());
    CHECK(linked_to("gone").empty());
    CHECK(linked_to("d/b") == Found{"target:z: is not the same file as target:d/b"});
}

TEST_CASE("the last look at a source sees what changed, appeared and went away, and names it") {
    IndexedTree tree;
    const Fingerprint before = tree.write_source("source").source;
    CHECK(tree.changed("source", before).empty());
    CHECK(tree.changed("source", {}).empty());  // a sum that differs is no difference
    tree.spoil("d/b");
    CHECK(tree.changed("source", before) == "target:d/b changed");
    const Fingerprint later = tree.write_source("source").source;
    CHECK(tree.changed("source", later).empty());
    CHECK(tree.changed("source", before).empty());
    for (const std::string part : {"time", "size", "inode", "links"}) {
        CAPTURE(part);
        tree.write_source("other", [&](Entry& entry) {
            if (entry.path != "d/b") return;
            if (part == "time") ++entry.meta.mtime.nanoseconds;
            if (part == "size") ++entry.meta.size;
            if (part == "inode") ++entry.facts.inode;
            if (part == "links") ++entry.facts.links;
        });
        CHECK(tree.changed("other", {}) == "target:d/b changed");
    }
    // Named as it would be at its place, and at the end.
    const auto renamed = [&](const char* from, const char* to) {
        tree.write_source("other", [&](Entry& entry) { entry.path = entry.path == from ? to : entry.path; });
        return tree.changed("other", {});
    };
    CHECK(renamed("a", "A") == "target:A went away");
    CHECK(renamed("large", "z") == "target:large appeared");
    Entry last;
    tree.write_source("other", [&](Entry& entry) { last = entry; });
    last.path = "z";
    tree.write_source("other", nullptr, &last);
    CHECK(tree.changed("other", {}) == "target:z went away");
}

TEST_CASE("what is not in an index is removed with all that is in it, but for lost+found") {
    IndexedTree tree;
    for (const char* folder : {"d/more/deep", "lost+found", "aa"}) std::filesystem::create_directories(tree.at(folder));
    for (const char* file : {"d/more/deep/file", "0", "d/a", "d/c", "zz"}) std::ofstream(tree.at(file)) << "x";
    std::filesystem::remove(tree.at("a"));  // in the index alone
    REQUIRE(tree.prune("all").ok());
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.at("")))
        left.push_back(std::filesystem::relative(entry.path(), tree.at("")).string());
    std::sort(left.begin(), left.end());
    CHECK(left == Found{"d", "d/b", "large", "lost+found"});
}

}  // namespace holdfast::mover
