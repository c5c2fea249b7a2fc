#include "plugins/migrate/mover/planner.h"

#include "plugins/migrate/mover/digest.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace holdfast::mover {
namespace {

constexpr std::size_t kBatchReads = 64;
constexpr std::uint64_t kBatchBytes = 512 << 10;
constexpr std::size_t kKnownBytes = 128 << 10;  // of records that need no reading, held in one unit
constexpr std::size_t kPathBytes = 2 << 20;     // of what a group touches: thousands of directories deep a path is long
constexpr std::size_t kReadyBytes = 64 << 10;
constexpr std::size_t kKeptBytes = 2 << 20;  // of records of what stays as it is, in one group
constexpr std::size_t kRecordBytes = 96;     // of one, about, without path and hashes

// Names of one file have the same. Two filesystems in one mount can have two files of one number: one of them is told
// apart by a hash, since a table of pairs would be twice as large for all others.
std::uint64_t identity_of(const Looked& looked, std::uint64_t filesystem_of_root) {
    if (looked.filesystem == filesystem_of_root) return looked.facts.inode;
    std::string both;
    Encoder out(both);
    out.u64(looked.filesystem);
    out.u64(looked.facts.inode);
    return checksum_of(both);
}

}  // namespace

Planner::Planner(PlanContext context, Release release)
    : context_(std::move(context)),
      release_(std::move(release)),
      walk_(context_.tree, context_.scratch),
      visits_(context_.seen != nullptr ? *context_.seen : walk_),
      near_(context_.tree) {}

Result<int> Planner::directory_of(const Visited& visited) {
    if (visited.directory >= 0) return visited.directory;
    const std::string path = visited.visit == Visit::kEnter ? visited.path : std::string(parent_of(visited.path));
    if (held_.open() && held_path_ == path) return held_.get();
    Result<Descriptor> opened = near_.open(path);
    if (!opened.ok() && opened.error().kind == ErrorKind::kNotFound)
        return Error{ErrorKind::kMismatch,
                     context_.tree.shown(path) + " went away while it was copied; is it still written to?",
                     "stop what writes to the source, then run the same command again", 0, ""};
    if (!opened.ok()) return opened.error();
    held_ = std::move(*opened);
    held_path_ = path;
    return held_.get();
}

std::uint8_t Planner::suspect(const Entry& entry) const {
    return context_.since.is_suspect(entry.facts.ctime, entry.meta.mtime) ? kSuspect : 0;
}

Status Planner::run() {
    if (context_.tree.is_image()) return image();
    TRY_ASSIGN(LinkTable links, LinkTable::create(context_.scratch));
    links_.emplace(std::move(links));
    while (true) {
        if (context_.signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const Visited visited, visits_.next());
        switch (visited.visit) {
            case Visit::kEnter:
                TRY(enter(visited));
                break;
            case Visit::kLeave:
                TRY(leave(visited));
                break;
            case Visit::kEntry:
                TRY(visit(visited));
                break;
            case Visit::kEnd:
                flush_small();
                return release();
        }
    }
}

// What the target has and the source has not, up to `path`, goes; what both have is returned.
Result<std::optional<Entry>> Planner::join(const std::string& path) {
    while (true) {
        TRY_ASSIGN(const Entry* const entry, context_.base.peek());
        if (entry == nullptr || compare_paths(entry->path, path) > 0) return std::optional<Entry>();
        const bool same = entry->path == path;
        TRY_ASSIGN(Entry taken, context_.base.take());
        if (same) return std::optional<Entry>(std::move(taken));
        gone(taken);
    }
}

void Planner::gone(const Entry& entry) {
    if (removed_any_ && is_beneath(entry.path, removed_)) return;
    removed_ = entry.path;
    removed_any_ = true;
    if (entry.path == kLostAndFound) return;  // mkfs made it, and fsck wants it
    group_.steps.push_back(Remove{entry.path});
    touch({entry.path, 0, 0, true});
    touch_parent();
}

std::string& Planner::ready_records() {
    flush_small();
    if (group_.units.empty() || !std::holds_alternative<ReadyUnit>(group_.units.back()) ||
        std::get<ReadyUnit>(group_.units.back()).records.size() > kReadyBytes)
        group_.units.emplace_back(ReadyUnit{});
    return std::get<ReadyUnit>(group_.units.back()).records;
}

void Planner::ready(const Entry& entry) {
    Encoder out(ready_records());
    encode(out, entry);
}

void Planner::ready(const Run& run) {
    Encoder out(ready_records());
    encode(out, run);
}

Status Planner::enter(const Visited& visited) {
    TRY_ASSIGN(const std::optional<Entry> base, join(visited.path));
    ++context_.counters.entries;
    Entry entry;
    entry.path = visited.path;
    entry.meta = visited.looked.meta;
    entry.facts = visited.looked.facts;
    const bool there = base && base->meta.kind == Kind::kDirectory && (base->state & kUntrusted) == 0;
    const bool same = there && unchanged(*base, visited.looked);
    if (same) {
        entry = *base;
    } else {
        TRY_ASSIGN(const int directory, directory_of(visited));
        TRY(read_attributes(directory, "", directory, entry.meta, context_.tree.shown(visited.path)));
    }
    entry.state = static_cast<std::uint8_t>((entry.state & kVerified) | suspect(entry));
    ready(entry);
    if (!there && !visited.path.empty()) {
        group_.steps.push_back(MakeDirectory{visited.path});
        touch({visited.path, 0, 0, false});
        touch_parent();
    }
    levels_.push_back({entry.meta, context_.unclean || !there || base->meta != entry.meta});
    return count(0);
}

Status Planner::leave(const Visited& visited) {
    flush_small();
    // What the target has in this directory after the last name of the source.
    while (true) {
        TRY_ASSIGN(const Entry* const entry, context_.base.peek());
        if (entry == nullptr || !is_beneath(entry->path, visited.path)) break;
        TRY_ASSIGN(const Entry taken, context_.base.take());
        gone(taken);
    }
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    if (!level.finish) return {};
    TRY(context_.spools.directories.add(FinishDirectory{visited.path, level.meta}));
    if ((level.meta.flags & kLockingFlags) == 0) return {};
    return context_.spools.locks.add(LockEntry{visited.path, level.meta});
}

Status Planner::visit(const Visited& visited) {
    TRY_ASSIGN(std::optional<Entry> base, join(visited.path));
    const Looked& looked = visited.looked;
    ++context_.counters.entries;
    context_.counters.bytes += looked.meta.size;
    if (looked.meta.kind == Kind::kDirectory) {
        if (visited.path == kLostAndFound) return {};  // root's alone: see docs/mover.md
        return system_error("open directory", context_.tree.shown(visited.path), visited.closed);
    }
    several_.reset();
    if (looked.facts.links > 1) {
        several_ = identity_of(looked, context_.tree.device());
        TRY_ASSIGN(const std::optional<LinkTable::First> first, links_->find_or_add(*several_, visited.path));
        if (first) return link(visited, base, *first);
    }
    if (looked.meta.kind != Kind::kFile) return other(visited, std::move(base));
    if (base && unchanged(*base, looked) && !context_.paranoid) return keep(std::move(*base));
    const bool usable = base && base->meta.kind == Kind::kFile && base->link_to.empty();
    // Another inode: what the target has under this name may have other names that keep the old content.
    const bool replace = !usable || (base->facts.inode != 0 && base->facts.inode != looked.facts.inode);
    if (replace && several_) links_->made_anew(*several_);
    touch_parent();  // what is gone by the time that it is read goes from the target, too
    const bool trusted = usable && (base->state & kUntrusted) == 0 && !replace;
    if (!trusted) base.reset();
    const bool whole = looked.facts.blocks * 512 >= looked.meta.size;  // else it has holes
    if (looked.meta.size <= kSmallFile && whole) return small(visited, std::move(base), replace);
    return large(visited, std::move(base), replace);
}

Status Planner::small(const Visited& visited, std::optional<Entry> base, bool replace) {
    const std::string directory(parent_of(visited.path));
    const std::uint64_t size = visited.looked.meta.size;
    if (directory != small_.directory || small_reads_ == kBatchReads || small_bytes_ + size > kBatchBytes)
        flush_small();
    small_.directory = directory;
    if (base && base->block_size != 0) base.reset();
    small_.items.push_back(
        {"", std::string(name_of(visited.path)), visited.looked.facts.inode, size, replace, std::move(base)});
    ++small_reads_;
    small_bytes_ += size;
    touch({visited.path, 0, 0, false});
    return count(size);
}

void Planner::flush_small() {
    if (small_.items.empty()) return;
    group_.units.emplace_back(std::move(small_));
    small_ = {};
    small_bytes_ = 0;
    small_reads_ = small_known_ = 0;
}

// What the target has stays as it is.
Status Planner::keep(Entry entry) {
    TRY(finish_known(entry));
    entry.state = static_cast<std::uint8_t>((entry.state & kVerified) | suspect(entry));
    if (entry.block_size == 0 && !small_.items.empty() && small_.directory == parent_of(entry.path) &&
        small_known_ < kKnownBytes) {
        SmallItem item;
        Encoder out(item.known);
        encode(out, entry);
        const std::size_t bytes = item.known.size();
        small_known_ += bytes;
        small_.items.push_back(std::move(item));
        return count_kept(bytes);
    }
    ready(entry);
    while (entry.block_size != 0) {
        TRY_ASSIGN(const std::optional<Run> run, context_.base.next_run());
        if (!run) break;
        ready(*run);
        TRY(count_kept(kRecordBytes + run->hashes.size() * sizeof(Digest)));
    }
    return count_kept(kRecordBytes + entry.path.size());
}

// For what needs no work a group need only be small enough to be held: each one waits for a disk on both sides.
Status Planner::count_kept(std::size_t bytes) {
    group_.kept_bytes += bytes;
    if (group_.kept_bytes < kKeptBytes) return {};
    flush_small();
    return release();
}

// After a pass that was killed, or of a target that was not made by us, the ends of unchanged entries may be missing.
Status Planner::finish_known(const Entry& entry) {
    if (!context_.unclean) return {};
    if (entry.block_size != 0) TRY(context_.spools.files.add(FinishFile{entry.path, entry.meta}));
    if ((entry.meta.flags & kLockingFlags) != 0 && entry.link_to.empty())
        TRY(context_.spools.locks.add(LockEntry{entry.path, entry.meta}));
    return {};
}

Status Planner::other(const Visited& visited, std::optional<Entry> base) {
    if (base && unchanged(*base, visited.looked)) {
        ready(*base);
        return count(0);
    }
    Entry entry;
    entry.path = visited.path;
    entry.meta = visited.looked.meta;
    entry.facts = visited.looked.facts;
    entry.state = suspect(entry);
    touch_parent();
    TRY_ASSIGN(const int directory, directory_of(visited));
    const Status read = read_attributes(directory, std::string(name_of(visited.path)), -1, entry.meta,
                                        context_.tree.shown(visited.path));
    if (!read.ok() && read.error().kind == ErrorKind::kNotFound)
        return base ? context_.spools.removals.add(Remove{visited.path}) : Status();
    if (!read.ok()) return read.error();
    ready(entry);
    const bool same = base && base->meta == entry.meta && base->link_to.empty() && (base->state & kUntrusted) == 0;
    if (!same) {
        if (several_) links_->made_anew(*several_);
        group_.steps.push_back(MakeOther{visited.path, entry.meta});
        touch({visited.path, 0, 0, false});
        ++context_.counters.changed;
        touch_parent();
    }
    return count(0);
}

Status Planner::link(const Visited& visited, const std::optional<Entry>& base, const LinkTable::First& first) {
    Entry entry;
    entry.path = visited.path;
    entry.meta = visited.looked.meta;
    entry.facts = visited.looked.facts;
    entry.link_to = first.path;
    ready(entry);
    const bool same = base && base->link_to == first.path && !first.anew && base->facts.inode == entry.facts.inode &&
                      (base->state & kUntrusted) == 0;
    if (same && !context_.unclean) return count(0);
    TRY(context_.spools.links.add(MakeLink{visited.path, first.path}));
    if (!same) ++context_.counters.changed;
    touch_parent();
    return count(0);
}

void Planner::touch(Touched touched) {
    group_.path_bytes += touched.path.size();
    group_.touched.push_back(std::move(touched));
}

Status Planner::count(std::uint64_t bytes) {
    group_.bytes += bytes;
    ++group_.entries;
    if (group_.bytes < context_.group_bytes && group_.entries < context_.group_entries &&
        group_.path_bytes < kPathBytes)
        return {};
    flush_small();
    return release();
}

Status Planner::release() {
    Group group = std::move(group_);
    group_ = {};
    return release_(std::move(group));
}

}  // namespace holdfast::mover
