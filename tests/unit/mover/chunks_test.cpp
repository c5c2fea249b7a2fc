#include "common/os/files.h"
#include "plugins/migrate/mover/target.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace holdfast::mover {
namespace {

constexpr std::size_t kPart = 64 << 10, kParts = 40;

// The stretch `number` of a file, of which every fourth is a hole and every fifth begins with one.
Chunk stretch(std::size_t number, const std::string& content, bool fresh) {
    const std::size_t at = number * kPart, skipped = number % 5 == 0 ? kPart / 2 : 0;
    Chunk chunk{"file", at, kPart, fresh, {}, {}};
    if (number % 4 == 3) return chunk;
    chunk.segments = {{at + skipped, static_cast<std::uint32_t>(kPart - skipped)}};
    chunk.data = std::string_view(content).substr(at + skipped, kPart - skipped);
    return chunk;
}

struct Made {
    std::string content;
    blkcnt_t blocks = 0;
};

// What has come of the stretches in that order.
Made written(const std::vector<std::size_t>& order, const std::string& content, bool fresh) {
    const auto folder = TemporaryDirectory::create();
    const std::string path = folder->path() + "/file";
    if (!fresh) std::ofstream(path) << std::string(kPart * kParts + 100, 'o');
    const auto tree = Tree::open(folder->path(), "target");
    Target target(*tree);
    REQUIRE(target.step(MakeFile{"file", false, content.size()}).ok());
    for (const std::size_t number : order) REQUIRE(target.chunk(stretch(number, content, fresh)).ok());
    Meta meta;
    meta.kind = Kind::kFile;
    meta.mode = 0600;
    meta.size = content.size();
    meta.uid = geteuid();
    meta.gid = getegid();
    REQUIRE(target.step(FinishFile{"file", meta}).ok());
    target.close_files();
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    std::ifstream file(path, std::ios::binary);
    return {std::string(std::istreambuf_iterator<char>(file), {}), info.st_blocks};
}

// Each block of its own kind, so that one in another's place shows; holes are zeros.
std::string numbered() {
    std::string content(kPart * kParts, '\0');
    for (std::size_t number = 0; number < kParts; ++number) {
        const Chunk chunk = stretch(number, content, true);
        for (const Segment& segment : chunk.segments)
            std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(segment.offset), segment.length,
                        static_cast<char>('A' + number));
    }
    return content;
}

}  // namespace

TEST_CASE("the stretches of a file make the same file in any order, over whatever was there") {
    const std::string content = numbered();
    std::vector<std::size_t> order(kParts);
    for (std::size_t i = 0; i < kParts; ++i) order[i] = i;
    for (const bool fresh : {true, false}) {
        CAPTURE(fresh);
        const Made in_order = written(order, content, fresh);
        CHECK(in_order.content == content);
        for (unsigned seed = 1; seed <= 10; ++seed) {
            CAPTURE(seed);
            std::vector<std::size_t> shuffled = order;
            std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(seed));
            const Made made = written(shuffled, content, fresh);
            CHECK(made.content == content);
            CHECK(made.blocks <= in_order.blocks + 64);  // what a filesystem keeps of its own differs a little
        }
    }
}

}  // namespace holdfast::mover
