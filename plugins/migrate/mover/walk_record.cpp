#include "plugins/migrate/mover/walk_record.h"

#include "plugins/migrate/mover/scratch.h"

namespace holdfast::mover {
namespace {

constexpr std::size_t kRecordBlock = 256 << 10;

Error unreadable_walk() { return {ErrorKind::kInternal, "what the scan saw cannot be read again", "", 0, ""}; }

void encode_time_of(Encoder& out, const Time& time) {
    out.i64(time.seconds);
    out.number(time.nanoseconds);
}

Time decode_time_of(Decoder& in) {
    Time time;
    time.seconds = in.i64();
    time.nanoseconds = static_cast<std::uint32_t>(in.number(999999999));
    return time;
}

void encode_looked(Encoder& out, const Looked& looked) {
    out.u8(static_cast<std::uint8_t>(looked.meta.kind));
    for (const std::uint64_t number :
         {std::uint64_t{looked.meta.mode}, std::uint64_t{looked.meta.uid}, std::uint64_t{looked.meta.gid},
          looked.meta.size, looked.meta.device, looked.facts.inode, std::uint64_t{looked.facts.links},
          looked.facts.blocks, looked.filesystem})
        out.number(number);
    encode_time_of(out, looked.meta.mtime);
    encode_time_of(out, looked.facts.ctime);
}

Looked decode_looked(Decoder& in) {
    Looked looked;
    looked.meta.kind = static_cast<Kind>(in.u8());
    looked.meta.mode = static_cast<std::uint32_t>(in.number());
    looked.meta.uid = static_cast<std::uint32_t>(in.number());
    looked.meta.gid = static_cast<std::uint32_t>(in.number());
    looked.meta.size = in.number();
    looked.meta.device = in.number();
    looked.facts.inode = in.number();
    looked.facts.links = static_cast<std::uint32_t>(in.number());
    looked.facts.blocks = in.number();
    looked.filesystem = in.number();
    looked.meta.mtime = decode_time_of(in);
    looked.facts.ctime = decode_time_of(in);
    return looked;
}

}  // namespace

Result<WalkRecord> WalkRecord::create(const std::string& folder) {
    WalkRecord record;
    record.folder_ = folder;
    TRY_ASSIGN(record.file_, nameless_file(folder));
    return record;
}

Status WalkRecord::write_block() {
    TRY(write_all_at(file_.get(), pending_, written_, folder_));
    written_ += pending_.size();
    pending_.clear();
    return {};
}

// A directory's name is all that is written of its path: the rest is where the walk is.
Status WalkRecord::add(const Visited& visited) {
    Encoder out(pending_);
    out.u8(static_cast<std::uint8_t>(visited.visit));
    if (visited.visit != Visit::kLeave) {
        out.text(name_of(visited.path));
        out.number(static_cast<std::uint64_t>(visited.closed));
        encode_looked(out, visited.looked);
    }
    return pending_.size() < kRecordBlock ? Status() : write_block();
}

// One thing is far smaller than what is read at a time.
Status WalkRecord::read_more() {
    if (!pending_.empty()) TRY(write_block());
    if (block_.size() - used_ > 4096 || read_ == written_) return {};
    block_.erase(0, used_);
    used_ = 0;
    TRY_ASSIGN(const std::string more, read_at(file_.get(), read_, kRecordBlock, folder_));
    read_ += more.size();
    block_ += more;
    return {};
}

Result<Visited> WalkRecord::next() {
    TRY(read_more());
    if (used_ == block_.size()) return Visited{};
    Decoder in(std::string_view(block_).substr(used_));
    Visited visited;
    visited.visit = static_cast<Visit>(in.u8());
    if (visited.visit == Visit::kLeave) {
        visited.path = path_;
        path_ = std::string(parent_of(path_));
    } else {
        const std::string_view name = in.text(255);
        visited.path = name.empty() ? std::string() : join_path(path_, name);
        visited.closed = static_cast<int>(in.number());
        visited.looked = decode_looked(in);
        if (visited.visit == Visit::kEnter) path_ = visited.path;
    }
    if (!in.ok()) return unreadable_walk();
    used_ = block_.size() - in.left();
    return visited;
}

}  // namespace holdfast::mover
