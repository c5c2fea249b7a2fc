#include "plugins/migrate/mover/early.h"
#include "common/os/files.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

namespace holdfast::mover {
namespace {

constexpr std::uint32_t kBlock = 16 << 10;

// A file of three blocks, of which the last is short.
class OneFile {
  public:
    OneFile() : early(tree_, 2, counters_) { write('x'); }

    void write(char what) const { std::ofstream(folder_->path() + "/file") << std::string(kSize, what); }

    static RunCheck run(char what, const std::string& path = "file") {
        const std::string block(kBlock, what), last(kSize - 2 * kBlock, what);
        return {path, {0, 3, {digest_of(block), digest_of(block), digest_of(last)}}, kBlock, kSize};
    }

    // Given, durable and read.
    void read(std::uint64_t epoch, std::vector<RunCheck> runs) {
        early.written(std::move(runs));
        early.checkpoint(epoch);
        early.durable(epoch);
        early.finish();
    }

    static constexpr std::size_t kSize = 2 * kBlock + 100;

  private:
    Result<TemporaryDirectory> folder_ = TemporaryDirectory::create();
    Tree tree_ = std::move(*Tree::open(folder_->path(), "target"));
    Counters counters_;

  public:
    EarlyReadBack early;
};

}  // namespace

TEST_CASE("what was read back early and was right is known, and nothing else") {
    OneFile file;
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.read(1, {OneFile::run('x'), OneFile::run('y'), OneFile::run('x', "missing")});
    CHECK(file.early.has(OneFile::run('x')));
    CHECK_FALSE(file.early.has(OneFile::run('y')));
    CHECK_FALSE(file.early.has(OneFile::run('x', "missing")));
    RunCheck other = OneFile::run('x');
    other.run.read_back = {true, false, false};
    CHECK_FALSE(file.early.has(other));  // other blocks of it were to be read
}

TEST_CASE("of many that were read back each is known") {
    OneFile file;
    std::vector<RunCheck> many;
    for (int marks = 0; marks < 8; ++marks) {
        many.push_back(OneFile::run('x'));
        many.back().run.read_back = {(marks & 1) != 0, (marks & 2) != 0, (marks & 4) != 0};
    }
    file.read(1, many);
    for (const RunCheck& run : many) CHECK(file.early.has(run));
}

TEST_CASE("nothing is read back before the epoch is durable that was asked for after it was written") {
    OneFile file;
    file.early.written({OneFile::run('x')});
    file.early.durable(7);  // of what was before it
    file.early.finish();
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.early.checkpoint(8);
    file.early.finish();
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.early.durable(8);
    file.early.finish();
    CHECK(file.early.has(OneFile::run('x')));
}

TEST_CASE("what an epoch made durable is read back while a later one is not") {
    OneFile file;
    file.early.written({OneFile::run('x')});
    file.early.checkpoint(1);
    RunCheck later = OneFile::run('x');
    later.run.read_back = {true, false, false};
    file.early.written({later});
    file.early.checkpoint(2);
    file.early.durable(1);
    file.early.finish();
    CHECK(file.early.has(OneFile::run('x')));
    CHECK_FALSE(file.early.has(later));
    file.early.durable(2);
    file.early.finish();
    CHECK(file.early.has(later));
}

TEST_CASE("what is being read back as a pass begins does not count for it") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    std::ofstream(folder->path() + "/file") << "";
    constexpr std::uint64_t kBlocks = 16 << 10;  // 256 MiB, which take a while
    std::filesystem::resize_file(folder->path() + "/file", kBlocks * kBlock);
    const RunCheck run{"file",
                       {0, kBlocks, std::vector<Digest>(kBlocks, digest_of(std::string(kBlock, '\0')))},
                       kBlock,
                       kBlocks * kBlock};
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    Counters counters;
    EarlyReadBack early(*tree, 1, counters);
    early.written({run});
    early.checkpoint(1);
    early.durable(1);
    while (counters.bytes_read == 0) std::this_thread::yield();
    early.begin();
    early.finish();
    CHECK_FALSE(early.has(run));
}

TEST_CASE("what an earlier pass read back does not count for the next one, which may have written it anew") {
    OneFile file;
    file.read(1, {OneFile::run('x')});
    REQUIRE(file.early.has(OneFile::run('x')));
    file.early.begin();
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.write('y');
    file.read(2, {OneFile::run('x')});
    CHECK_FALSE(file.early.has(OneFile::run('x')));
}

TEST_CASE(
    "what an earlier pass wrote and did not read back is not read for the next one, whose epochs may begin anew") {
    OneFile file;
    file.early.written({OneFile::run('x')});
    file.early.durable(7);
    file.early.begin();
    file.early.checkpoint(8);
    file.early.durable(8);
    file.early.finish();
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.early.begin();
    file.early.written({OneFile::run('x')});
    file.early.checkpoint(1);
    file.early.finish();
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.early.durable(1);
    file.early.finish();
    CHECK(file.early.has(OneFile::run('x')));
}

TEST_CASE("without threads nothing is read, and nothing is waited for") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto tree = Tree::open(folder->path(), "target");
    REQUIRE(tree.ok());
    Counters counters;
    EarlyReadBack early(*tree, 0, counters);
    early.written({OneFile::run('x')});
    early.checkpoint(1);
    early.durable(1);
    early.finish();
    CHECK_FALSE(early.has(OneFile::run('x')));
}

TEST_CASE("more than is held is left to the check") {
    OneFile file;
    const std::string deep(60'000, 'p');
    std::vector<RunCheck> many(100, OneFile::run('x', deep));
    many.push_back(OneFile::run('x'));
    const std::vector<RunCheck> rest(1000, OneFile::run('x', "missing"));  // to the last byte
    file.early.written(many);
    file.read(1, rest);
    CHECK_FALSE(file.early.has(OneFile::run('x')));
    file.read(2, {OneFile::run('x')});
    CHECK(file.early.has(OneFile::run('x')));
    // Also after a pass whose runs were not read.
    file.early.written(std::move(many));
    file.early.written(rest);
    file.early.begin();
    file.read(3, {OneFile::run('x')});
    CHECK(file.early.has(OneFile::run('x')));
}

TEST_CASE("a block whose place no number of bytes can tell lies at the end of the file, and nothing of it is read") {
    OneFile file;
    RunCheck far = OneFile::run('x');
    far.run.first = std::uint64_t{1} << 50;
    CHECK(far.byte_of(1) == kBlock);
    CHECK(far.byte_of(far.run.first) == OneFile::kSize);
    CHECK(bytes_to_read_back(far) == 0);
    file.read(1, {far});
}

TEST_CASE("runs are read as they were written, and no others are") {
    RunCheck marked = OneFile::run('x', "d/file");
    marked.run.read_back = {true, false, true};
    CHECK_FALSE(is_mostly_unread(marked.run));
    CHECK(is_mostly_unread(OneFile::run('x').run));
    CHECK(bytes_to_read_back(marked) == kBlock);
    CHECK(bytes_to_read_back(OneFile::run('x')) == OneFile::kSize);
    auto encoded = [](const RunCheck& run) {
        std::string bytes;
        Encoder out(bytes);
        encode(out, run);
        return bytes;
    };
    const auto read = decode_run_checks(encoded(marked) + encoded(OneFile::run('x')));
    REQUIRE((read && read->size() == 2));
    CHECK(identity_of(read->front()) == identity_of(marked));
    CHECK(identity_of(read->back()) == identity_of(OneFile::run('x')));
    const std::string whole = encoded(marked);
    for (std::size_t length = 1; length < whole.size(); ++length)
        CHECK_FALSE(decode_run_checks(whole.substr(0, length)));
    RunCheck hole = marked, odd = marked;
    hole.run = {0, 3, {}};
    odd.block_size = 5000;
    for (const RunCheck& strange : {hole, odd, OneFile::run('x', "../out"), OneFile::run('x', "/out")})
        CHECK_FALSE(decode_run_checks(encoded(strange)));
    marked.run.read_back = {true, false, false};
    CHECK(is_mostly_unread(marked.run));
}

}  // namespace holdfast::mover
