#include "plugins/migrate/mover/work.h"
#include "plugins/migrate/mover/compressor.h"
#include "plugins/migrate/mover/frame.h"
#include "plugins/migrate/mover/needs.h"
#include "tests/unit/mover/encoded.h"

#include <doctest/doctest.h>

namespace holdfast::mover {
namespace {

Meta some_meta() {
    Meta meta;
    meta.mode = 04755;
    meta.uid = 4711;
    meta.mtime = {-5'000'000'000, 999'999'999};
    meta.size = 5;
    meta.xattrs = {{"security.capability", std::string("\1\0\0\2", 4)}, {"user.a", ""}};
    return meta;
}

}  // namespace

TEST_CASE("steps are read as they were written") {
    const std::vector<Step> steps{Remove{"a/b"},
                                  MakeDirectory{"new\nline"},
                                  MakeFile{"f", true, 12345, true},
                                  MakeOther{"s", some_meta()},
                                  FinishFile{"", some_meta()},
                                  MakeLink{"to", "from"},
                                  FinishDirectory{"", some_meta()},
                                  LockEntry{"\xFF", some_meta()},
                                  ExpectFile{"e", some_meta()}};
    const auto read = decode_steps(encoded(steps));
    REQUIRE(read);
    REQUIRE(read->size() == steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        CHECK((*read)[i].index() == steps[i].index());
        CHECK(path_of((*read)[i]) == path_of(steps[i]));
    }
    CHECK(std::get<MakeFile>((*read)[2]).replace);
    CHECK(std::get<MakeFile>((*read)[2]).size == 12345);
    CHECK(std::get<MakeFile>((*read)[2]).dense);
    CHECK(std::get<MakeOther>((*read)[3]).meta == some_meta());
    CHECK(std::get<MakeLink>((*read)[5]).to == "from");
}

TEST_CASE("a step whose path leads out of the target is none") {
    for (const std::string path :
         {"..", "../x", "a/../b", "/etc", "a//b", "a/", ".", "a/./b", std::string("a\0b", 3).c_str()}) {
        CAPTURE(path);
        if (is_good_path(path)) continue;  // the literal with NUL ends there
        CHECK_FALSE(decode_steps(encoded(std::vector<Step>{Remove{path}})));
        CHECK_FALSE(decode_steps(encoded(std::vector<Step>{MakeLink{"fine", path}})));
    }
    CHECK_FALSE(is_good_path(std::string("a\0b", 3)));
    CHECK_FALSE(decode_steps(encoded(std::vector<Step>{Remove{""}})));
    CHECK_FALSE(decode_steps(encoded(std::vector<Step>{MakeLink{"fine", ""}})));
}

TEST_CASE("anything that was cut is not read as something shorter") {
    Batch batch;
    batch.directory = "d";
    batch.files.push_back({"name", some_meta(), true, true, "12345"});
    Chunk chunk{"file", 4096, 8192, true, {{4096, 3}, {5000, 2}}, "abcde"};
    const std::string steps = encoded(std::vector<Step>{FinishFile{"x", some_meta()}}), files = encoded(batch),
                      part = encoded(chunk);
    REQUIRE(decode_steps(steps));
    REQUIRE(decode_batch(files));
    REQUIRE(decode_chunk(part));
    for (std::size_t length = 1; length < steps.size(); ++length) CHECK_FALSE(decode_steps(steps.substr(0, length)));
    for (std::size_t length = 3; length < files.size(); ++length) CHECK_FALSE(decode_batch(files.substr(0, length)));
    for (std::size_t length = 0; length < part.size(); ++length) CHECK_FALSE(decode_chunk(part.substr(0, length)));
}

TEST_CASE("segments outside of their stretch, out of order or of another length than the data are refused") {
    const Chunk good{"file", 4096, 8192, false, {{4096, 3}, {5000, 2}}, "abcde"};
    REQUIRE(decode_chunk(encoded(good)));
    auto refused = [&](auto change) {
        Chunk bad = good;
        change(bad);
        return !decode_chunk(encoded(bad));
    };
    CHECK(refused([](Chunk& c) { c.segments[0].offset = 4095; }));
    CHECK(refused([](Chunk& c) { c.segments[1].offset = 4098; }));
    CHECK(refused([](Chunk& c) { c.segments[1].offset = 4096 + 8191; }));
    CHECK(refused([](Chunk& c) { c.segments[1].length = 3; }));
    CHECK(refused([](Chunk& c) { c.segments[0].length = 0; }));
    CHECK(refused([](Chunk& c) { c.length = 0; }));
    CHECK(refused([](Chunk& c) { c.offset = INT64_MAX; }));
    CHECK(refused([](Chunk& c) { c.data = "abcdef"; }));
}

TEST_CASE("a frame is read as it was written, compressed or not") {
    const std::string noise("\0\1\2\3 no pattern", 15), zeros(1 << 20, '\0');
    for (const std::string& payload : {std::string(), noise, zeros}) {
        for (const std::size_t cut : {std::size_t{0}, payload.size() / 3, payload.size()}) {
            const std::string_view whole = payload;
            const Parts parts{whole.substr(0, cut), whole.substr(cut)};
            const auto head = decode_frame_head(encode_frame_head(FrameKind::kBatch, parts, std::nullopt));
            REQUIRE(head);
            CHECK(head->kind == FrameKind::kBatch);
            CHECK_FALSE(head->compressed);
            CHECK(is_payload(*head, payload));
        }
    }
}

TEST_CASE("what was compressed in two parts is one payload again, and what becomes no smaller is not compressed") {
    const std::string noise("\0\1\2\3 no pattern", 15), zeros(1 << 20, '\0');
    Compressor compressor(1);
    std::string room(zeros.size(), 'x'), back(zeros.size() + noise.size(), 'x');
    const auto size = compressor.compress({noise, zeros}, room.data(), room.size());
    REQUIRE(size);
    CHECK(*size < 1000);
    const std::string_view wire = std::string_view(room).substr(0, *size);
    CHECK(decompress(wire, back.data(), back.size()));
    CHECK(back == noise + zeros);
    CHECK_FALSE(decompress(wire, back.data(), back.size() - 1));
    CHECK_FALSE(decompress(wire.substr(1), back.data(), back.size()));
    CHECK_FALSE(compressor.compress({noise, {}}, room.data(), noise.size() - 1));
    const auto head = decode_frame_head(encode_frame_head(FrameKind::kBatch, {noise, zeros}, size));
    REQUIRE(head);
    CHECK(head->compressed);
    CHECK(head->length == back.size());
    CHECK(head->wire_length == *size);
    CHECK(is_payload(*head, back));
}

TEST_CASE("one wrong bit anywhere in a frame is found") {
    const std::string frame = encode_frame_head(FrameKind::kBatch, {"some ", "content"}, std::nullopt) + "some content";
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
        CAPTURE(bit);
        std::string wrong = frame;
        wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
        const auto head = decode_frame_head(std::string_view(wrong).substr(0, kFrameHead));
        if (bit < 8) continue;  // the kind: each has its own reader, which takes nothing else
        const std::string_view follows = std::string_view(wrong).substr(kFrameHead);
        CHECK((!head || head->wire_length != follows.size() || head->compressed || !is_payload(*head, follows)));
    }
}

TEST_CASE("a frame that says more than a frame may hold is refused before anything is set aside for it") {
    std::string head = encode_frame_head(FrameKind::kBatch, {"x", {}}, std::nullopt);
    head[7] = '\x7F';  // the length's highest byte
    CHECK_FALSE(decode_frame_head(head));
}

TEST_CASE("what a source needs is read as it was written") {
    Needs needs;
    needs.image = true;
    needs.largest = 1 << 30;
    needs.largest_path = "a";
    needs.kinds[Kind::kFifo] = {"p", 3};
    needs.owners[{1, 2}] = {"o", 1};
    needs.flags[16] = {"f", 1};
    needs.projects[7] = {"q", 1};
    needs.xattrs[{"user.x", false}] = {{"user.x", "value"}, Kind::kFile, {"x", 1}};
    const std::string bytes = encoded(needs);
    const auto read = decode_needs(bytes);
    REQUIRE(read);
    CHECK(encoded(*read) == bytes);
    CHECK(read->image);
    CHECK(read->owners.begin()->second.path == "o");
    for (std::size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(decode_needs(bytes.substr(0, length)));
}

}  // namespace holdfast::mover
