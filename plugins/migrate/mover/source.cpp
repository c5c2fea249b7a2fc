#include "plugins/migrate/mover/source.h"

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

namespace holdfast::mover {
namespace {

// How soon a signal is seen: it wakes one of the threads that wait, if any.
constexpr std::chrono::milliseconds kSignalLook{100};

Error interrupted() { return {ErrorKind::kInterrupted, "interrupted", "", 0, ""}; }

// Reads until `length` or the end of the file. Direct reads are of whole sectors, into a buffer that has room for them.
Result<std::size_t> read_fully(int file, char* into, std::size_t length, std::uint64_t offset,
                               const std::string& shown) {
    std::size_t got = 0;
    while (got < length) {
        const ssize_t more = pread(file, into + got, length - got, static_cast<off_t>(offset + got));
        if (more < 0 && errno == EINTR) continue;
        // Some filesystems open files for direct reading and then refuse to.
        const int how = more < 0 && errno == EINVAL ? fcntl(file, F_GETFL) : 0;
        if ((how & O_DIRECT) != 0 && fcntl(file, F_SETFL, how & ~O_DIRECT) == 0) continue;
        if (more < 0) return system_error("read", shown, errno);
        if (more == 0) break;
        got += static_cast<std::size_t>(more);
    }
    return got;
}

std::size_t bytes_of(const std::vector<Xattr>& attributes) {
    std::size_t bytes = 0;
    for (const Xattr& attribute : attributes) bytes += attribute.name.size() + attribute.value.size();
    return bytes;
}

Descriptor open_for_reading(int directory, const std::string& name) {
    // O_NOATIME is for owners and CAP_FOWNER only.
    Descriptor file = open_in(directory, name, O_RDONLY | O_NONBLOCK | O_NOATIME);
    return file.open() || errno != EPERM ? std::move(file) : open_in(directory, name, O_RDONLY | O_NONBLOCK);
}

}  // namespace

Status Limiter::take(std::uint64_t bytes, const Signals& signals) {
    if (rate_ == 0) return {};
    std::chrono::steady_clock::time_point until;
    {
        const std::lock_guard lock(mutex_);
        const auto now = clock_.steady_now();
        free_at_ = std::max(free_at_, now) + std::chrono::nanoseconds(bytes * 1000000000 / rate_);
        until = free_at_;
    }
    while (true) {
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.steady_now());
        if (wait.count() <= 0) return {};
        if (signals.pending()) return interrupted();
        clock_.sleep_for(std::min(wait, kSignalLook));
    }
}

Source::Source(SourceContext context) : context_(context) {}

Result<std::optional<Source::Loaded>> Source::load(int directory, const SmallUnit& unit, const SmallItem& item,
                                                   int opened) {
    const std::string shown = context_.tree.shown(join_path(unit.directory, item.name));
    Loaded loaded;
    // What is looked at first can only be older than what is read after it: a change in between shows at the next pass.
    TRY_ASSIGN(Looked looked, look_at(opened, "", shown));
    if (looked.meta.kind != Kind::kFile) return std::optional<Loaded>();
    Entry& entry = loaded.entry;
    entry.path = join_path(unit.directory, item.name);
    entry.meta = looked.meta;
    entry.facts = looked.facts;
    TRY(read_attributes(directory, item.name, opened, entry.meta, shown));
    const bool grown = entry.meta.size > kSmallFile;
    loaded.content.resize(static_cast<std::size_t>(std::min(entry.meta.size, kSmallFile)));
    TRY_ASSIGN(const std::size_t got, read_fully(opened, loaded.content.data(), loaded.content.size(), 0, shown));
    loaded.content.resize(got);
    context_.counters.bytes_read += got;
    entry.meta.size = got;
    entry.content = digest_of(loaded.content);
    if (grown || looked.facts.inode != item.inode || context_.since.is_suspect(entry.facts.ctime, entry.meta.mtime))
        entry.state = kSuspect;
    const bool same_content = item.base && !item.replace && item.base->content == entry.content;
    loaded.replace = item.replace;
    loaded.has_content = !same_content;
    loaded.send = !same_content || item.base->meta != entry.meta;
    if (!loaded.send && (item.base->state & kVerified) != 0) entry.state |= kVerified;
    return std::optional<Loaded>(std::move(loaded));
}

Result<std::string> Source::small(const SmallUnit& unit) {
    if (context_.signals.pending()) return interrupted();
    std::string records;
    Encoder out(records);
    // Gone since the walk was there: then so is what was in it.
    const Descriptor directory = context_.tree.open_beneath(unit.directory, O_RDONLY | O_DIRECTORY);
    if (!directory.open() && !is_gone(errno))
        return system_error("open directory", context_.tree.shown(unit.directory), errno);
    // Opened and announced in the order of inodes, which on a disk is the order of places; read after that.
    std::vector<std::size_t> order(unit.items.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return unit.items[a].inode < unit.items[b].inode; });
    std::vector<Descriptor> files(unit.items.size());
    for (const std::size_t i : order) {
        if (!unit.items[i].known.empty() || !directory.open()) continue;
        files[i] = open_for_reading(directory.get(), unit.items[i].name);
        if (!files[i].open() && !is_gone(errno))
            return system_error("open", context_.tree.shown(join_path(unit.directory, unit.items[i].name)), errno);
        // No more than is read of it: whatever has the name by now can be larger.
        if (files[i].open()) posix_fadvise(files[i].get(), 0, kSmallFile, POSIX_FADV_WILLNEED);
    }
    std::vector<std::optional<Loaded>> loaded(unit.items.size());
    for (const std::size_t i : order) {
        if (!files[i].open()) continue;
        TRY_ASSIGN(loaded[i], load(directory.get(), unit, unit.items[i], files[i].get()));
        files[i].close();
    }
    Batch batch;
    batch.directory = unit.directory;
    std::size_t bytes = 0, attributes = 0;
    const auto send = [&]() -> Status {
        if (batch.files.empty()) return {};
        TRY(context_.limiter.take(bytes, context_.signals));
        TRY(context_.sink.batch(batch));
        context_.counters.bytes_sent += bytes;
        context_.counters.changed += batch.files.size();
        batch.files.clear();
        bytes = attributes = 0;
        return {};
    };
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        if (!unit.items[i].known.empty()) {
            out.raw(unit.items[i].known);
        } else if (!loaded[i]) {  // gone, or no file any more: the next pass sees what is there now
            TRY(context_.removals.add(Remove{join_path(unit.directory, unit.items[i].name)}));
        } else {
            encode(out, loaded[i]->entry);
            if (!loaded[i]->send) continue;
            const Meta& meta = loaded[i]->entry.meta;
            if ((meta.flags & kLockingFlags) != 0) TRY(context_.locks.add(LockEntry{loaded[i]->entry.path, meta}));
            const std::string_view content =
                loaded[i]->has_content ? std::string_view(loaded[i]->content) : std::string_view();
            // The walk may have seen them smaller than they are by now, and attributes it has not seen at all.
            if (bytes + content.size() + attributes + bytes_of(meta.xattrs) > kMostBatchData) TRY(send());
            batch.files.push_back({unit.items[i].name, meta, loaded[i]->replace, loaded[i]->has_content, content});
            bytes += content.size();
            attributes += bytes_of(meta.xattrs);
        }
    }
    TRY(send());
    return records;
}

Result<int> Source::reopen(const RangeUnit& unit) {
    if (open_file_.open() && open_path_ == unit.path) return open_file_.get();
    open_path_ = unit.path;
    open_direct_.close();
    open_file_ = context_.tree.open_beneath(unit.path, O_RDONLY | O_NONBLOCK | O_NOATIME);
    if (!open_file_.open() && errno == EPERM) open_file_ = context_.tree.open_beneath(unit.path, O_RDONLY | O_NONBLOCK);
    if (!open_file_.open() && !is_gone(errno)) return system_error("open", context_.tree.shown(unit.path), errno);
    if (open_file_.open()) open_direct(unit.path);
    return open_file_.get();
}

// Copying through the page cache costs more than all else that is done with the content, and pushes out of it what the
// database has there.
void Source::open_direct(const std::string& path) {
    open_direct_ = context_.tree.open_beneath(path, O_RDONLY | O_NONBLOCK | O_DIRECT | O_NOATIME);
    if (!open_direct_.open()) open_direct_ = context_.tree.open_beneath(path, O_RDONLY | O_NONBLOCK | O_DIRECT);
    struct stat one {
    }, other{};
    const bool same = open_direct_.open() && fstat(open_direct_.get(), &one) == 0 &&
                      fstat(open_file_.get(), &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
    if (!same) open_direct_.close();  // another file has the name by now
}

// What of a block with data is a hole reads as zeros; blocks without any data are not looked at.
void Source::fill_gaps(const RangeUnit& unit, std::size_t length) {
    std::size_t filled = 0;
    auto fill = [&](std::size_t from, std::size_t until) {
        from = std::max(from, filled);
        if (from < until) std::memset(buffer_.get() + from, 0, until - from);
        filled = std::max(filled, until);
    };
    for (const Segment& segment : segments_) {
        const auto begin = static_cast<std::size_t>(segment.offset), end = begin + segment.length;
        // To the end of the block before, if that has data, and from the beginning of this one.
        const std::size_t before = (filled + unit.block_size - 1) / unit.block_size * unit.block_size;
        if (filled > 0) fill(filled, std::min(before, begin));
        fill(begin / unit.block_size * unit.block_size, begin);
        filled = std::max(filled, end);
    }
    if (filled > 0) fill(filled, std::min(length, (filled + unit.block_size - 1) / unit.block_size * unit.block_size));
}

// Fills the buffer with the stretch, but for blocks in which there is no data.
Status Source::read_stretch(const RangeUnit& unit, std::uint64_t offset, std::size_t length) {
    const std::string shown = context_.tree.shown(unit.path);
    const int file = open_file_.get();
    std::optional<bool> direct;
    buffer_ = context_.buffers.take();  // what was sent of the one before may still be on its way
    segments_.clear();
    available_ = length;
    const std::uint64_t end = offset + length;
    for (std::uint64_t at = offset; at < end;) {
        off_t data = static_cast<off_t>(at), hole = static_cast<off_t>(end);
        if (!unit.dense) {
            data = lseek(file, static_cast<off_t>(at), SEEK_DATA);
            if (data < 0 && errno != ENXIO) return system_error("look for holes in", shown, errno);
            if (data < 0 || static_cast<std::uint64_t>(data) >= end) break;
            hole = lseek(file, data, SEEK_HOLE);
            if (hole < 0 && errno == ENXIO) {  // the file was cut since the line before
                available_ = static_cast<std::size_t>(static_cast<std::uint64_t>(data) - offset);
                break;
            }
            if (hole < 0) return system_error("look for holes in", shown, errno);
        }
        const std::uint64_t until = std::min(end, static_cast<std::uint64_t>(hole));
        const std::size_t into = static_cast<std::size_t>(static_cast<std::uint64_t>(data) - offset);
        const auto want = static_cast<std::size_t>(until - static_cast<std::uint64_t>(data));
        // What is in the page cache comes from there, as the files of a database that runs here.
        if (!direct) direct = open_direct_.open() && !is_cached(file, offset, length);
        const std::size_t asked = *direct ? aligned_up(want) : want;
        TRY_ASSIGN(std::size_t got, read_fully(*direct ? open_direct_.get() : file, buffer_.get() + into, asked,
                                               static_cast<std::uint64_t>(data), shown));
        got = std::min(got, want);
        context_.counters.bytes_read += got;
        if (got > 0) segments_.push_back({into, static_cast<std::uint32_t>(got)});
        at = until;
        if (got < want) {  // the file was cut meanwhile
            available_ = into + got;
            break;
        }
    }
    fill_gaps(unit, length);
    return {};
}

void Source::hash_blocks(const RangeUnit& unit, std::size_t length, std::vector<Digest>& out) {
    std::size_t segment = 0;
    for (std::size_t at = 0; at < length; at += unit.block_size) {
        const std::size_t end = std::min<std::size_t>(length, at + unit.block_size);
        while (segment < segments_.size() && segments_[segment].offset + segments_[segment].length <= at) ++segment;
        const bool hole = segment == segments_.size() || segments_[segment].offset >= end;
        const std::string_view block(buffer_.get() + at, end - at);
        if (end > available_)
            out.push_back(kUnknown);
        else if (hole || (unit.device && all_zero(block)))
            out.push_back(kHole);
        else
            out.push_back(digest_of(block));
    }
}

// One chunk of the buffer's bytes begin .. end - 1: its segments are moved together, which spoils the buffer from there
// on only for these bytes.
Status Source::send_chunk(const RangeUnit& unit, std::uint64_t offset, std::size_t begin, std::size_t end, bool fresh) {
    Chunk chunk;
    chunk.path = unit.path;
    chunk.offset = offset + begin;
    chunk.length = end - begin;
    chunk.fresh = fresh;
    std::size_t used = begin;
    for (const Segment& segment : segments_) {
        const std::size_t from = std::max<std::size_t>(begin, static_cast<std::size_t>(segment.offset));
        const std::size_t until = std::min<std::size_t>(end, static_cast<std::size_t>(segment.offset) + segment.length);
        if (from >= until) continue;
        if (used != from) std::memmove(buffer_.get() + used, buffer_.get() + from, until - from);
        used += until - from;
        chunk.segments.push_back({offset + from, static_cast<std::uint32_t>(until - from)});
    }
    chunk.data = std::string_view(buffer_.get() + begin, used - begin);
    chunk.memory = buffer_;
    if (chunk.segments.empty() && fresh) return {};
    TRY(context_.limiter.take(chunk.data.size(), context_.signals));
    context_.counters.bytes_sent += chunk.data.size();
    return context_.sink.chunk(chunk);
}

Status Source::send_changed(const RangeUnit& unit, std::uint64_t offset, std::size_t length, std::size_t first,
                            const std::vector<Digest>& hashes) {
    auto changed = [&](std::size_t block) {
        const std::size_t i = first + block;
        if (hashes[i] == kUnknown) return false;
        return unit.base.empty() ? !(unit.fresh && hashes[i] == kHole) : unit.base[i] != hashes[i];
    };
    const std::size_t blocks = (length + unit.block_size - 1) / unit.block_size;
    for (std::size_t block = 0; block < blocks;) {
        if (!changed(block)) {
            ++block;
            continue;
        }
        const bool hole = hashes[first + block] == kHole;
        std::size_t after = block + 1;
        // Holes and data apart: a device's zeros are not sent.
        while (after < blocks && changed(after) && (hashes[first + after] == kHole) == hole) ++after;
        if (hole && unit.device) {
            Chunk chunk{unit.path,
                        offset + block * unit.block_size,
                        std::min<std::size_t>(length, after * unit.block_size) - block * unit.block_size,
                        unit.fresh,
                        {},
                        {},
                        {}};
            TRY(context_.sink.chunk(chunk));
        } else {
            // Where the target has a hole no hole need be punched.
            const auto base = unit.base.begin() + static_cast<std::ptrdiff_t>(unit.base.empty() ? 0 : first);
            const bool hole_there =
                !unit.base.empty() &&
                std::all_of(base + static_cast<std::ptrdiff_t>(block), base + static_cast<std::ptrdiff_t>(after),
                            [](const Digest& digest) { return digest == kHole; });
            TRY(send_chunk(unit, offset, block * unit.block_size,
                           std::min<std::size_t>(length, after * unit.block_size), unit.fresh || hole_there));
        }
        block = after;
    }
    return {};
}

Result<std::string> Source::range(const RangeUnit& unit) {
    Run run;
    run.first = unit.offset / unit.block_size;
    TRY_ASSIGN(const int file, reopen(unit));
    bool same = file >= 0;
    if (same && !unit.device) {
        TRY_ASSIGN(const Looked now, look_at(file, "", context_.tree.shown(unit.path)));
        // The number alone does not tell: a filesystem gives it to the next one, which can be a fifo or a device.
        same = now.facts.inode == unit.inode && now.meta.kind == Kind::kFile;
    }
    for (std::uint64_t at = 0; at < unit.length && same; at += kMostChunkData) {
        // All of it may be waiting for its turn already, and with --bandwidth that is long.
        if (context_.signals.pending()) return interrupted();
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kMostChunkData, unit.length - at));
        TRY(read_stretch(unit, unit.offset + at, length));
        const std::size_t first = run.hashes.size();
        hash_blocks(unit, length, run.hashes);
        TRY(send_changed(unit, unit.offset + at, length, first, run.hashes));
    }
    // Replaced or gone: the next pass sees another inode under this name and sends it whole.
    if (!same)
        run.hashes.assign(static_cast<std::size_t>((unit.length + unit.block_size - 1) / unit.block_size), kUnknown);
    run.count = run.hashes.size();
    // What is as it was, was not written: it need not be read back once more.
    for (std::size_t i = 0; unit.base_read_back && i < run.hashes.size(); ++i)
        run.read_back.push_back(i < unit.base.size() && run.hashes[i] == unit.base[i] && run.hashes[i] != kUnknown);
    std::string records;
    Encoder out(records);
    encode(out, run);
    return records;
}

}  // namespace holdfast::mover
