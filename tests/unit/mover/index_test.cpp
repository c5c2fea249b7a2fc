#include "common/os/files.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/journal.h"
#include "plugins/migrate/mover/ledger.h"
#include "plugins/migrate/mover/state.h"

#include <doctest/doctest.h>
#include <chrono>
#include <fstream>
#include <future>

namespace holdfast::mover {
namespace {

Entry file_entry(const std::string& path, std::uint32_t block_size = 0) {
    Entry entry;
    entry.path = path;
    entry.meta.size = block_size;
    entry.facts.inode = 7;
    entry.block_size = block_size;
    return entry;
}

Entry root_entry() {
    Entry entry;
    entry.meta.kind = Kind::kDirectory;
    return entry;
}

std::string content_of(const std::string& path) { return read_file(path, 1 << 20).value_or(""); }

std::vector<std::string> paths_of(const std::string& path) {
    std::vector<std::string> paths;
    Result<IndexReader> reader = IndexReader::open(path);
    while (reader.ok()) {
        const auto record = reader->next();
        if (!record.ok() || !*record) break;
        if (const auto* entry = std::get_if<Entry>(&**record)) paths.push_back(entry->path);
    }
    return paths;
}

// What the ledger asked for.
class Asked : public Sink {
  public:
    Status steps(const std::vector<Step>&) override { return {}; }
    Status batch(const Batch&) override { return {}; }
    Status chunk(const Chunk&) override { return {}; }
    Status checkpoint(std::uint64_t epoch) override {
        epochs.push_back(epoch);
        return {};
    }
    Status wait_durable(std::uint64_t) override { return {}; }
    Status written(std::vector<RunCheck> runs) override {
        for (const RunCheck& run : runs) told.emplace_back(epochs.size(), run);
        return {};
    }
    std::vector<std::uint64_t> epochs;
    std::vector<std::pair<std::size_t, RunCheck>> told;  // after how many epochs
};

// A target that takes its time for the first group, or refuses it.
class Slow : public Asked {
  public:
    Status checkpoint(std::uint64_t epoch) override {
        if (epochs.empty()) {
            asked.set_value();
            brought = others.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
        }
        (void)Asked::checkpoint(epoch);
        return refuses ? Status(Error{ErrorKind::kFailed, "the target has gone", "", 0, ""}) : Status();
    }
    bool refuses = false, brought = false;
    std::promise<void> asked;
    std::future<void> others;
};

std::string record_of(const std::string& path) {
    std::string bytes;
    Encoder out(bytes);
    encode(out, file_entry(path));
    return bytes;
}

}  // namespace

TEST_CASE("an index is read to its end, and no shorter or changed one is") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string path = folder->path() + "/index", spoilt = folder->path() + "/spoilt";
    auto writer = IndexWriter::create(path, {"operation", 1, 2, false});
    REQUIRE(writer.ok());
    REQUIRE(writer->add(root_entry()).ok());
    REQUIRE(writer->add(file_entry("a", 4096)).ok());
    REQUIRE(writer->add(Run{0, 1, {Digest{}}}).ok());
    REQUIRE(writer->finish(3).ok());
    auto whole = [](const std::string& name) {
        Result<IndexReader> reader = IndexReader::open(name);
        while (reader.ok()) {
            const auto record = reader->next();
            if (!record.ok()) return false;
            if (!*record) return reader->end().has_value();
        }
        return false;
    };
    CHECK(whole(path));
    const std::string bytes = content_of(path);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        CAPTURE(at);
        std::ofstream(spoilt, std::ios::binary) << bytes.substr(0, at);
        CHECK_FALSE(whole(spoilt));
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
        std::ofstream(spoilt, std::ios::binary) << flipped;
        CHECK_FALSE(whole(spoilt));
    }
}

TEST_CASE("which blocks of a run were read back is kept, and is no part of the root") {
    Run run{3, 10, std::vector<Digest>(10, Digest{1}), std::vector<bool>(10, false)};
    run.read_back[0] = run.read_back[9] = true;
    std::string bytes, for_root, plain;
    Encoder out(bytes), root(for_root), without(plain);
    encode(out, run);
    encode_for_root(root, run);
    Decoder in(bytes);
    const auto read = decode_record(in);
    REQUIRE(read);
    CHECK(std::get<Run>(*read).read_back == run.read_back);
    CHECK(std::get<Run>(*read).hashes == run.hashes);
    run.read_back.clear();
    encode(without, run);
    CHECK(for_root == plain);
    // Marks that say nothing, or of blocks that are not there.
    for (const char byte : {'\0', '\6'}) {
        std::string wrong = bytes;
        wrong[3] = '\0';
        wrong[4] = byte;
        Decoder again(wrong);
        CHECK_FALSE(decode_record(again));
    }
}

TEST_CASE("a journal of which one bit is wrong, or the end is missing, is none") {
    const std::string bytes = encode_journal({"copy", 5, 6});
    REQUIRE(decode_journal(bytes)->epoch == 6);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string wrong = bytes;
        wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(decode_journal(wrong));
    }
    for (std::size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(decode_journal(bytes.substr(0, length)));
}

TEST_CASE("what was written and not read back is told before the checkpoint that makes it durable") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto writer = IndexWriter::create(folder->path() + "/pass", {"operation", 1, 4, false});
    auto unproven = IndexWriter::create(folder->path() + "/unproven", {"operation", 1, 4, false});
    REQUIRE((writer.ok() && unproven.ok()));
    writer->also_to(&*unproven);
    Asked asked;
    Ledger ledger(*writer, asked, 4, 8);
    auto add = [&](const Entry& entry, const Run& run) {
        std::string bytes;
        Encoder out(bytes);
        encode(out, entry);
        encode(out, run);
        REQUIRE(ledger.put(ledger.ticket(), bytes).ok());
    };
    auto end_group = [&] { REQUIRE(ledger.end_group(ledger.ticket()).ok()); };
    const std::vector<Digest> two(2, Digest{1});
    Entry known = file_entry("b", 4096);
    known.state = kVerified;
    add(file_entry("a", 4096), {0, 2, two});
    end_group();
    CHECK(asked.told.empty());  // nobody reads back
    ledger.tell_written();
    add(known, {0, 2, two});
    add(file_entry("c", 4096), {0, 3, std::vector<Digest>(3, Digest{1}), {true, false, true}});
    add(file_entry("d", 4096), {0, 2, {}});
    add(file_entry("e", 8192), {5, 2, two, {true, false}});
    CHECK(asked.told.empty());
    end_group();
    REQUIRE(asked.told.size() == 1);
    CHECK(asked.told[0].first == 1);
    const RunCheck& told = asked.told[0].second;
    CHECK((told.path == "e" && told.block_size == 8192 && told.size == 8192 && told.run.first == 5));
    CHECK(told.run.read_back == std::vector<bool>{true, false});
    CHECK(asked.epochs == std::vector<std::uint64_t>{5, 6});
}

TEST_CASE("what is done out of order is written in order, and a group is asked for once all before it is there") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto writer = IndexWriter::create(folder->path() + "/pass", {"operation", 1, 4, false});
    REQUIRE(writer.ok());
    Asked asked;
    Ledger ledger(*writer, asked, 4, 8);
    const std::uint64_t first = ledger.ticket(), second = ledger.ticket(), end = ledger.ticket(),
                        third = ledger.ticket();
    REQUIRE(ledger.put(third, record_of("c")).ok());
    REQUIRE(ledger.end_group(end).ok());
    REQUIRE(ledger.put(second, record_of("b")).ok());
    CHECK(asked.epochs.empty());
    REQUIRE(ledger.put(first, record_of("a")).ok());
    CHECK(asked.epochs == std::vector<std::uint64_t>{5});
    REQUIRE(writer->finish(5).ok());
    CHECK(paths_of(folder->path() + "/pass") == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("who brings records while another thread writes goes on at once, and nothing is written behind an error") {
    for (const bool refuses : {false, true}) {
        CAPTURE(refuses);
        const auto folder = TemporaryDirectory::create();
        REQUIRE(folder.ok());
        auto writer = IndexWriter::create(folder->path() + "/pass", {"operation", 1, 4, false});
        REQUIRE(writer.ok());
        Slow slow;
        slow.refuses = refuses;
        std::promise<void> brought;
        slow.others = brought.get_future();
        Ledger ledger(*writer, slow, 4, 8);
        REQUIRE(ledger.put(ledger.ticket(), record_of("a")).ok());
        const std::uint64_t end = ledger.ticket();
        std::future<Status> first = std::async(std::launch::async, [&] { return ledger.end_group(end); });
        slow.asked.get_future().wait();
        CHECK(ledger.put(ledger.ticket(), record_of("b")).ok());
        CHECK(ledger.end_group(ledger.ticket()).ok());
        brought.set_value();
        CHECK(first.get().ok() == !refuses);
        CHECK(slow.brought);
        CHECK(ledger.put(ledger.ticket(), record_of("c")).ok());
        CHECK(slow.epochs == (refuses ? std::vector<std::uint64_t>{5} : std::vector<std::uint64_t>{5, 6}));
        REQUIRE(writer->finish(6).ok());
        CHECK(paths_of(folder->path() + "/pass") ==
              (refuses ? std::vector<std::string>{"a"} : std::vector<std::string>{"a", "b", "c"}));
    }
}

TEST_CASE(
    "of a killed pass what the target's epoch covers holds, and of the old index what lies beyond and was not "
    "touched") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string old = folder->path() + "/old", pass = folder->path() + "/pass",
                      merged = folder->path() + "/merged";
    auto before = IndexWriter::create(old, {"operation", 1, 4, false});
    REQUIRE(before.ok());
    REQUIRE(before->add(root_entry()).ok());
    for (const char* path : {"a", "b", "c", "d"}) REQUIRE(before->add(file_entry(path)).ok());
    REQUIRE(before->finish(4).ok());
    auto killed = IndexWriter::create(pass, {"operation", 1, 4, false});
    REQUIRE(killed.ok());
    REQUIRE(killed->mark_intent(5, {{"a", 0, 0, false}}).ok());
    REQUIRE(killed->add(root_entry()).ok());
    REQUIRE(killed->add(file_entry("a")).ok());
    REQUIRE(killed->mark_group(5).ok());
    REQUIRE(killed->mark_intent(6, {{"c", 0, 0, false}, {"d", 0, 0, true}}).ok());
    REQUIRE(killed->add(file_entry("b")).ok());
    REQUIRE(killed->mark_group(6).ok());
    auto base = IndexReader::open(old);
    REQUIRE(base.ok());
    REQUIRE(merge_killed_pass(std::move(*base), pass, merged, 5).ok());
    CHECK(paths_of(merged) == std::vector<std::string>{"", "a", "b", "c"});
    auto reader = IndexReader::open(merged);
    REQUIRE(reader.ok());
    CHECK(reader->head().unclean);
    for (int i = 0; i < 4; ++i) {
        const auto record = reader->next();
        REQUIRE(record.ok());
        const auto& entry = std::get<Entry>(**record);
        CHECK(((entry.state & kUntrusted) != 0) == (entry.path == "c"));
    }
}

}  // namespace holdfast::mover
