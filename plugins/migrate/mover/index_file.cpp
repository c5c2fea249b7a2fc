#include "plugins/migrate/mover/index_file.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace holdfast::mover {
namespace {

// Block: kind (1 byte), payload length (4), checksum of both and the payload, seeded with the one before (8), payload.
constexpr std::string_view kMagic = "HFIDX\1\r\n";  // the byte after the letters is the version
constexpr std::size_t kBlockHead = 13;
constexpr std::size_t kBlockTarget = 64 << 10;
constexpr std::size_t kLongestBlock = 4 << 20;
constexpr std::uint8_t kHeadBlock = 1, kRecordBlock = 2, kGroupBlock = 3, kIntentBlock = 4, kEndBlock = 5;

std::uint64_t chained(std::uint8_t kind, std::string_view payload, std::uint64_t before) {
    return checksum_of(payload, before * 31 + kind * 0x9E3779B97F4A7C15u + payload.size());
}

void count(IndexEnd& end, Sha256* root, const Record& record) {
    if (root != nullptr) {
        std::string bytes;
        Encoder out(bytes);
        encode_for_root(out, record);
        root->add(bytes);
    }
    const auto* entry = std::get_if<Entry>(&record);
    if (entry == nullptr) return;
    ++end.entries;
    if (entry->link_to.empty()) end.bytes += entry->meta.size;
}

Error damaged(const std::string& shown) {
    return {ErrorKind::kMismatch, shown + ": the index is damaged or cut off", "", 0, ""};
}

}  // namespace

Result<IndexWriter> IndexWriter::create(const std::string& path, const IndexHead& head) {
    IndexWriter writer;
    writer.shown_ = escape_line(path);
    writer.root_ = std::make_unique<Sha256>();
    writer.file_ = open_anew(path);
    if (!writer.file_.open()) return system_error("make index", writer.shown_, errno);
    TRY(write_all(writer.file_.get(), kMagic, writer.shown_));
    writer.offset_ = kMagic.size();
    std::string payload;
    Encoder out(payload);
    out.text(head.operation);
    out.u64(head.target);
    out.u64(head.epoch);
    out.u8(head.unclean ? 1 : 0);
    TRY(writer.write_block(kHeadBlock, payload));
    return writer;
}

Status IndexWriter::write_block(std::uint8_t kind, std::string_view payload) {
    chain_ = chained(kind, payload, chain_);
    std::string block;
    Encoder out(block);
    out.u8(kind);
    out.u32(static_cast<std::uint32_t>(payload.size()));
    out.u64(chain_);
    out.raw(payload);
    TRY(write_all(file_.get(), block, shown_));
    offset_ += block.size();
    return {};
}

Status IndexWriter::count(const Record& record) {
    mover::count(end_, root_.get(), record);
    if (const auto* entry = std::get_if<Entry>(&record)) {
        end_.source = end_.source + source_fingerprint(entry->path, entry->meta, entry->facts);
        end_.glance = end_.glance + glance_fingerprint(entry->path, entry->meta);
        passing_on_ = unproven_ != nullptr && needs_reading_back(*entry);
        if (take_run_ && entry->block_size != 0) current_ = {entry->path, {}, entry->block_size, entry->meta.size};
    }
    if (!passing_on_) return {};
    const auto* run = std::get_if<Run>(&record);
    if (take_run_ && run != nullptr && !run->hashes.empty() && is_mostly_unread(*run))
        take_run_({current_.path, *run, current_.block_size, current_.size});
    return unproven_->add(record);
}

Status IndexWriter::add(std::string_view records) {
    std::size_t added = 0;
    for (Decoder in(records); !in.at_end();) {
        const std::optional<Record> record = decode_record(in);
        if (!record) return Error{ErrorKind::kInternal, "a record that cannot be read was written", "", 0, ""};
        TRY(count(*record));
        const std::size_t until = records.size() - in.left();
        pending_.append(records, added, until - added);
        added = until;
        if (pending_.size() >= kBlockTarget) TRY(flush());
    }
    return {};
}

Status IndexWriter::add(const Record& record) {
    TRY(count(record));
    Encoder out(pending_);
    std::visit([&](const auto& one) { encode(out, one); }, record);
    if (pending_.size() < kBlockTarget) return {};
    TRY(flush());
    return {};
}

Result<std::uint64_t> IndexWriter::flush() {
    if (!pending_.empty()) TRY(write_block(kRecordBlock, pending_));
    pending_.clear();
    return offset_;
}

Status IndexWriter::mark_group(std::uint64_t epoch) {
    std::string payload;
    Encoder out(payload);
    out.u64(epoch);
    TRY(flush());
    return write_block(kGroupBlock, payload);
}

Status IndexWriter::mark_intent(std::uint64_t epoch, const std::vector<Touched>& touched) {
    TRY(flush());
    std::string payload;
    std::size_t i = 0;
    do {
        payload.clear();
        Encoder out(payload);
        out.u64(epoch);
        for (; i < touched.size() && payload.size() < kBlockTarget; ++i) {
            out.text(touched[i].path);
            out.number(touched[i].first);
            out.number(touched[i].count);
            out.u8(touched[i].removed ? 1 : 0);
        }
        TRY(write_block(kIntentBlock, payload));
    } while (i < touched.size());
    // Nothing is sent for a group that touches nothing.
    if (!touched.empty() && fdatasync(file_.get()) != 0) return system_error("sync index", shown_, errno);
    return {};
}

Status IndexWriter::mark_begin(std::uint64_t epoch) {
    TRY(mark_intent(epoch, {}));
    return fdatasync(file_.get()) == 0 ? Status() : Status(system_error("sync index", shown_, errno));
}

Result<IndexEnd> IndexWriter::finish(std::uint64_t epoch) {
    TRY_ASSIGN(IndexEnd end, close(epoch));
    if (fdatasync(file_.get()) != 0) return system_error("sync index", shown_, errno);
    return end;
}

Result<IndexEnd> IndexWriter::close(std::uint64_t epoch) {
    TRY(flush());
    end_.root = root_->finish();
    end_.epoch = epoch;
    std::string payload;
    Encoder out(payload);
    out.raw(end_.root);
    out.u64(end_.entries);
    out.u64(end_.bytes);
    out.u64(end_.epoch);
    TRY(write_block(kEndBlock, payload));
    return end_;
}

Result<IndexReader> IndexReader::open(const std::string& path, std::uint64_t known_epoch) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) return system_error("open index", escape_line(path), errno);
    TRY_ASSIGN(IndexReader reader, read(std::move(file), escape_line(path)));
    reader.known_epoch_ = known_epoch;
    return reader;
}

Result<IndexReader> IndexReader::read(Descriptor file, const std::string& shown) {
    IndexReader reader;
    reader.file_ = std::move(file);
    reader.shown_ = shown;
    TRY_ASSIGN(const std::string magic, read_at(reader.file_.get(), 0, kMagic.size(), shown));
    if (magic != kMagic) {
        const bool newer = magic.size() == kMagic.size() && magic.substr(0, 5) == kMagic.substr(0, 5);
        return Error{ErrorKind::kMismatch, shown + (newer ? ": an index of another version" : ": not an index"), "", 0,
                     ""};
    }
    reader.offset_ = kMagic.size();
    TRY(reader.read_block());
    return reader;
}

Status IndexReader::read_block() {
    payload_.clear();
    at_ = 0;
    TRY_ASSIGN(const std::string head, read_at(file_.get(), offset_, kBlockHead, shown_));
    Decoder in(head);
    const std::uint8_t kind = in.u8();
    const std::uint32_t length = in.u32();
    const std::uint64_t checksum = in.u64();
    if (!in.ok() || length > kLongestBlock) return damaged(shown_);
    TRY_ASSIGN(payload_, read_at(file_.get(), offset_ + kBlockHead, length, shown_));
    chain_ = chained(kind, payload_, chain_);
    const bool first = offset_ == kMagic.size();
    if (payload_.size() != length || checksum != chain_ || first != (kind == kHeadBlock)) return damaged(shown_);
    offset_ += kBlockHead + length;
    return take(kind);
}

Status IndexReader::take(std::uint8_t kind) {
    if (kind == kRecordBlock) return {};
    Decoder in(payload_);
    if (kind == kHeadBlock) {
        head_.operation = in.text(256);
        head_.target = in.u64();
        head_.epoch = in.u64();
        head_.unclean = in.u8() != 0;
    } else if (kind == kGroupBlock) {
        const std::uint64_t epoch = in.u64();
        if (epoch <= known_epoch_) {
            marks_.epoch = epoch;
            marks_.durable = offset_;
        }
    } else if (kind == kIntentBlock) {
        take_intents(in);
    } else if (kind == kEndBlock) {
        IndexEnd end;
        end.root = in.raw(32);
        end.entries = in.u64();
        end.bytes = in.u64();
        end.epoch = in.u64();
        if (root_ && end.root != root_->finish()) in.fail();
        if (!passing_over_ && end.entries != counted_.entries) in.fail();
        // Nothing is ever written behind it.
        TRY_ASSIGN(const std::string more, read_at(file_.get(), offset_, 1, shown_));
        if (!more.empty()) in.fail();
        end_ = end;
    } else {
        in.fail();
    }
    if (!in.ok() || !in.at_end()) return damaged(shown_);
    payload_.clear();
    return {};
}

void IndexReader::take_intents(Decoder& in) {
    const std::uint64_t epoch = in.u64();
    marks_.begun = epoch;
    if (marks_.first == 0) marks_.first = epoch;
    while (in.ok() && !in.at_end()) {
        Touched touched;
        touched.path = in.text(kLongestPath);
        touched.first = in.number(INT64_MAX);
        touched.count = in.number(INT64_MAX);
        touched.removed = in.u8() != 0;
        if (!is_good_path(touched.path)) in.fail();
        if (epoch > known_epoch_) marks_.intents.emplace_back(epoch, std::move(touched));
    }
}

Result<std::optional<Record>> IndexReader::next() {
    while (at_ == payload_.size()) {
        if (end_) return std::optional<Record>();
        TRY(read_block());
    }
    Decoder in(std::string_view(payload_).substr(at_));
    std::optional<Record> record = decode_record(in);
    if (!record) return damaged(shown_);
    at_ = payload_.size() - in.left();
    count(counted_, root_.get(), *record);
    if (auto* entry = std::get_if<Entry>(&*record); entry != nullptr && verified_) entry->state |= kVerified;
    if (auto* run = std::get_if<Run>(&*record); run != nullptr && verified_) run->read_back.clear();
    return record;
}

Status IndexReader::pass_over() {
    passing_over_ = true;
    while (!end_) TRY(read_block());
    payload_.clear();
    return {};
}

}  // namespace holdfast::mover
