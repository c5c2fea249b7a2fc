#include "plugins/migrate/mover/index.h"

#include <algorithm>
#include <cstring>

namespace holdfast::mover {
namespace {

constexpr std::uint8_t kEntryTag = 1;
constexpr std::uint8_t kRunTag = 2;
constexpr std::uint8_t kHoleRunTag = 3;
constexpr std::uint8_t kMarkedRunTag = 4;
constexpr std::uint8_t kStates = kSuspect | kVerified | kUntrusted;

std::string_view view_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

Digest digest_from(std::string_view bytes) {
    Digest digest{};
    if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), digest.size());
    return digest;
}

bool same_basics(const Meta& a, const Meta& b) {
    return a.kind == b.kind && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.mtime == b.mtime &&
           a.size == b.size && a.device == b.device;
}

void encode_content(Encoder& out, const Entry& entry) {
    out.text(entry.link_to);
    if (entry.meta.kind != Kind::kFile || !entry.link_to.empty()) return;
    out.number(entry.block_size);
    if (entry.block_size == 0) out.raw(view_of(entry.content));
}

Entry decode_entry(Decoder& in) {
    Entry entry;
    entry.path = in.text(kLongestPath);
    entry.meta = decode_meta(in);
    entry.facts.inode = in.number();
    entry.facts.ctime.seconds = in.i64();
    entry.facts.ctime.nanoseconds = static_cast<std::uint32_t>(in.number(999999999));
    entry.facts.links = static_cast<std::uint32_t>(in.number(UINT32_MAX));
    entry.facts.blocks = in.number();
    entry.state = in.u8();
    entry.link_to = in.text(kLongestPath);
    if (entry.meta.kind == Kind::kFile && entry.link_to.empty()) {
        entry.block_size = static_cast<std::uint32_t>(in.number(kLargestBlock));
        if (entry.block_size != 0 && !is_block_size(entry.block_size)) in.fail();
        if (entry.block_size == 0) entry.content = digest_from(in.raw(sizeof(Digest)));
    }
    if ((entry.state & ~kStates) != 0 || !is_good_path(entry.path) || !is_good_path(entry.link_to)) in.fail();
    if (entry.path.empty() && entry.meta.kind != Kind::kDirectory && entry.meta.kind != Kind::kFile) in.fail();
    return entry;
}

// A bit a block, the first in the lowest bit of the first byte.
void encode_marks(Encoder& out, const std::vector<bool>& marks) {
    std::string bytes((marks.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < marks.size(); ++i)
        if (marks[i]) bytes[i / 8] = static_cast<char>(static_cast<unsigned char>(bytes[i / 8]) | 1u << i % 8);
    out.raw(bytes);
}

std::vector<bool> decode_marks(Decoder& in, std::size_t count) {
    std::vector<bool> marks(count);
    const std::string_view bytes = in.raw((count + 7) / 8);
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
        const bool set = (static_cast<unsigned char>(bytes[i / 8]) >> i % 8 & 1) != 0;
        if (i < count)
            marks[i] = set;
        else if (set)
            in.fail();
    }
    if (std::find(marks.begin(), marks.end(), true) == marks.end()) in.fail();
    return marks;
}

Run decode_run(Decoder& in, std::uint8_t tag) {
    const bool hole = tag == kHoleRunTag;
    Run run;
    run.first = in.number(INT64_MAX);
    run.count = in.number(hole ? INT64_MAX : kMostBlocksPerRun);
    if (run.count == 0 || run.first + run.count > INT64_MAX) in.fail();
    if (hole || !in.ok()) return run;
    if (tag == kMarkedRunTag) run.read_back = decode_marks(in, static_cast<std::size_t>(run.count));
    const std::string_view bytes = in.raw(static_cast<std::size_t>(run.count) * sizeof(Digest));
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Digest))
        run.hashes.push_back(digest_from(bytes.substr(at, sizeof(Digest))));
    return run;
}

void encode_unmarked(Encoder& out, const Run& run) {
    out.u8(run.hashes.empty() ? kHoleRunTag : kRunTag);
    out.number(run.first);
    out.number(run.count);
    for (const Digest& digest : run.hashes) out.raw(view_of(digest));
}

}  // namespace

bool needs_reading_back(const Entry& entry) {
    return entry.meta.kind != Kind::kFile || !entry.link_to.empty() || (entry.state & kVerified) == 0;
}

bool unchanged(const Entry& base, const Looked& looked) {
    if ((base.state & (kSuspect | kUntrusted)) != 0 || base.facts != looked.facts) return false;
    return same_basics(base.meta, looked.meta) && base.link_to.empty();
}

bool is_block_size(std::uint32_t size) { return size >= 4096 && size <= kLargestBlock && (size & (size - 1)) == 0; }

std::uint32_t block_size_for(std::uint64_t file_size) {
    constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
    return file_size > 64 * kGiB ? 128 << 10 : file_size > 4 * kGiB ? 64 << 10 : 16 << 10;
}

void encode(Encoder& out, const Entry& entry) {
    out.u8(kEntryTag);
    out.text(entry.path);
    encode(out, entry.meta);
    out.number(entry.facts.inode);
    out.i64(entry.facts.ctime.seconds);
    out.number(entry.facts.ctime.nanoseconds);
    out.number(entry.facts.links);
    out.number(entry.facts.blocks);
    out.u8(entry.state);
    encode_content(out, entry);
}

void encode(Encoder& out, const Run& run) {
    const bool marked = std::find(run.read_back.begin(), run.read_back.end(), true) != run.read_back.end();
    if (!marked || run.hashes.empty()) return encode_unmarked(out, run);
    out.u8(kMarkedRunTag);
    out.number(run.first);
    out.number(run.count);
    encode_marks(out, run.read_back);
    for (const Digest& digest : run.hashes) out.raw(view_of(digest));
}

std::optional<Record> decode_record(Decoder& in) {
    const std::uint8_t tag = in.u8();
    std::optional<Record> record;
    if (tag == kEntryTag)
        record = decode_entry(in);
    else if (tag == kRunTag || tag == kHoleRunTag || tag == kMarkedRunTag)
        record = decode_run(in, tag);
    else
        in.fail();
    if (!in.ok()) record.reset();
    return record;
}

void encode_for_root(Encoder& out, const Record& record) {
    if (const auto* run = std::get_if<Run>(&record)) return encode_unmarked(out, *run);
    const Entry& entry = std::get<Entry>(record);
    out.u8(kEntryTag);
    out.text(entry.path);
    encode(out, entry.meta);
    encode_content(out, entry);
}

}  // namespace holdfast::mover
