#include "plugins/migrate/mover/work.h"

#include "common/core/overloaded.h"

namespace holdfast::mover {
namespace {

bool has_meta(std::uint64_t tag) { return tag == 3 || tag == 4 || tag == 6 || tag == 7 || tag == 8; }

void encode_step(Encoder& out, const Step& step) {
    out.u8(static_cast<std::uint8_t>(step.index()));
    out.text(path_of(step));
    std::visit(Overloaded{[](const Remove&) {}, [](const MakeDirectory&) {},
                          [&](const MakeFile& s) {
                              out.u8(static_cast<std::uint8_t>((s.replace ? 1 : 0) | (s.dense ? 2 : 0)));
                              out.number(s.size);
                          },
                          [&](const MakeLink& s) { out.text(s.to); }, [&](const auto& s) { encode(out, s.meta); }},
               step);
}

std::string good_path(Decoder& in) {
    std::string path(in.text(kLongestPath));
    if (!is_good_path(path)) in.fail();
    return path;
}

std::optional<Step> decode_step(Decoder& in) {
    const std::uint8_t tag = in.u8();
    std::string path = good_path(in);
    const std::uint8_t bits = tag == 2 ? in.u8() : 0;
    if (bits > 3) in.fail();
    const std::uint64_t size = tag == 2 ? in.number(INT64_MAX) : 0;
    std::string to = tag == 5 ? good_path(in) : std::string();
    Meta meta = has_meta(tag) ? decode_meta(in) : Meta();
    // The root is there and stays a directory: all that can be done to it is to finish it.
    if (path.empty() && tag != 6 && tag != 7 && tag != 4 && tag != 2) in.fail();
    if (tag == 5 && to.empty()) in.fail();
    if (!in.ok()) return std::nullopt;
    switch (tag) {
        case 0:
            return Remove{std::move(path)};
        case 1:
            return MakeDirectory{std::move(path)};
        case 2:
            return MakeFile{std::move(path), (bits & 1) != 0, size, (bits & 2) != 0};
        case 3:
            return MakeOther{std::move(path), std::move(meta)};
        case 4:
            return FinishFile{std::move(path), std::move(meta)};
        case 5:
            return MakeLink{std::move(path), std::move(to)};
        case 6:
            return FinishDirectory{std::move(path), std::move(meta)};
        case 7:
            return LockEntry{std::move(path), std::move(meta)};
        case 8:
            return ExpectFile{std::move(path), std::move(meta)};
        default:
            return std::nullopt;
    }
}

std::optional<SmallFile> decode_small_file(Decoder& in) {
    SmallFile file;
    file.name = in.text(255);
    file.meta = decode_meta(in);
    const std::uint8_t bits = in.u8();
    file.replace = (bits & 1) != 0;
    file.has_content = (bits & 2) != 0;
    const bool good_name = !file.name.empty() && file.name.find('/') == std::string::npos && is_good_path(file.name);
    if (!good_name || file.meta.kind != Kind::kFile || bits > 3) in.fail();
    if (file.has_content) file.content = in.text(kMostBatchData);
    if (file.has_content && file.content.size() != file.meta.size) in.fail();
    if (!in.ok()) return std::nullopt;
    return file;
}

bool good_segments(const Chunk& chunk) {
    std::uint64_t at = chunk.offset, total = 0;
    const std::uint64_t end = chunk.offset + chunk.length;
    for (const Segment& segment : chunk.segments) {
        if (segment.length == 0 || segment.offset < at || segment.offset > end || segment.length > end - segment.offset)
            return false;
        at = segment.offset + segment.length;
        total += segment.length;
    }
    return total == chunk.data.size();
}

}  // namespace

const std::string& path_of(const Step& step) {
    return std::visit([](const auto& one) -> const std::string& { return one.path; }, step);
}

void encode(Encoder& out, const std::vector<Step>& steps) {
    for (const Step& step : steps) encode_step(out, step);
}

void encode(Encoder& out, const Batch& batch) {
    out.text(batch.directory);
    for (const SmallFile& file : batch.files) {
        out.text(file.name);
        encode(out, file.meta);
        out.u8(static_cast<std::uint8_t>((file.replace ? 1 : 0) | (file.has_content ? 2 : 0)));
        if (file.has_content) out.text(file.content);
    }
}

void encode(Encoder& out, const Chunk& chunk) {
    encode_without_data(out, chunk);
    out.raw(chunk.data);
}

void encode_without_data(Encoder& out, const Chunk& chunk) {
    out.text(chunk.path);
    out.number(chunk.offset);
    out.number(chunk.length);
    out.u8(chunk.fresh ? 1 : 0);
    out.number(chunk.segments.size());
    for (const Segment& segment : chunk.segments) {
        out.number(segment.offset);
        out.number(segment.length);
    }
}

std::optional<std::vector<Step>> decode_steps(std::string_view input) {
    std::vector<Step> steps;
    for (Decoder in(input); !in.at_end();) {
        std::optional<Step> step = decode_step(in);
        if (!step) return std::nullopt;
        steps.push_back(std::move(*step));
    }
    return steps;
}

std::optional<Batch> decode_batch(std::string_view input) {
    Decoder in(input);
    Batch batch;
    batch.directory = good_path(in);
    std::size_t total = 0;
    while (in.ok() && !in.at_end()) {
        std::optional<SmallFile> file = decode_small_file(in);
        if (!file) return std::nullopt;
        total += file->content.size();
        batch.files.push_back(std::move(*file));
        if (batch.files.size() > kMostBatchFiles || total > kMostBatchData) return std::nullopt;
    }
    if (!in.ok()) return std::nullopt;
    return batch;
}

std::optional<Chunk> decode_chunk(std::string_view input) {
    Decoder in(input);
    Chunk chunk;
    chunk.path = good_path(in);
    chunk.offset = in.number(INT64_MAX);
    chunk.length = in.number(INT64_MAX);
    chunk.fresh = in.u8() != 0;
    const std::uint64_t count = in.number(in.left());
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        Segment segment;
        segment.offset = in.number(INT64_MAX);
        segment.length = static_cast<std::uint32_t>(in.number(kMostChunkData));
        chunk.segments.push_back(segment);
    }
    if (chunk.length == 0 || chunk.offset + chunk.length > INT64_MAX) in.fail();
    chunk.data = in.raw(in.left());
    if (!in.ok() || chunk.data.size() > kMostChunkData || !good_segments(chunk)) return std::nullopt;
    return chunk;
}

}  // namespace holdfast::mover
