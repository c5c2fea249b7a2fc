// Large files, in stretches: the planner's other half.
#include "plugins/migrate/mover/planner.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace holdfast::mover {
namespace {

std::uint64_t blocks_of(std::uint64_t bytes, std::uint32_t block_size) { return (bytes + block_size - 1) / block_size; }

// As many blocks as it is long has also a file with holes for which room was set aside past its end, and one whose room
// was never written to: that reads as zeros, and counts as a hole. Where nothing is known of holes there are none.
bool is_dense(int file, const Entry& entry) {
    if (entry.facts.blocks * 512 < entry.meta.size) return false;
    const off_t hole = lseek(file, 0, SEEK_HOLE);
    return hole < 0 || static_cast<std::uint64_t>(hole) >= entry.meta.size;
}

}  // namespace

Status Planner::large(const Visited& visited, std::optional<Entry> base, bool replace) {
    const std::string shown = context_.tree.shown(visited.path);
    const std::string name(name_of(visited.path));
    TRY_ASSIGN(const int directory, directory_of(visited));
    const Descriptor file = open_in(directory, name, O_RDONLY | O_NONBLOCK);
    if (!file.open() && !is_gone(errno)) return system_error("open", shown, errno);
    Entry entry;
    entry.path = visited.path;
    if (file.open()) {
        // Looked at before anything is read: what changes after that is seen by the next pass.
        TRY_ASSIGN(const Looked looked, look_at(file.get(), "", shown));
        entry.meta = looked.meta;
        entry.facts = looked.facts;
    }
    if (!file.open() || entry.facts.inode != visited.looked.facts.inode)
        return context_.spools.removals.add(Remove{visited.path});
    TRY(read_attributes(directory, name, file.get(), entry.meta, shown));
    entry.state = suspect(entry);
    const bool hashes_known = base && base->block_size != 0;
    entry.block_size = hashes_known ? base->block_size : block_size_for(entry.meta.size);
    ready(entry);
    const bool dense = is_dense(file.get(), entry);
    if (!base) {
        group_.steps.push_back(MakeFile{visited.path, replace, entry.meta.size, dense});
        touch({visited.path, 0, 0, false});
    }
    const Known known{hashes_known, hashes_known && (base->state & kVerified) != 0};
    if (known.read_back) group_.steps.push_back(ExpectFile{visited.path, base->meta});
    if (!base || base->meta != entry.meta) ++context_.counters.changed;
    TRY(context_.spools.files.add(FinishFile{visited.path, entry.meta}));
    if ((entry.meta.flags & kLockingFlags) != 0) TRY(context_.spools.locks.add(LockEntry{visited.path, entry.meta}));
    return ranges(file.get(), entry, replace, known, dense);
}

Status Planner::ranges(int file, const Entry& entry, bool fresh, Known known, bool dense) {
    const std::uint64_t size = entry.meta.size, block = entry.block_size;
    for (std::uint64_t at = 0; at < size;) {
        if (context_.signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        std::uint64_t data = at;
        if (!dense) {
            TRY_ASSIGN(const std::optional<std::uint64_t> found, next_data(file, at, context_.tree.shown(entry.path)));
            data = std::min(size, found.value_or(size));
        }
        // A block with any data in it is read; whole blocks before it are a hole.
        const std::uint64_t until = data == size ? size : data / block * block;
        if (until > at) TRY(hole(entry, at, until, fresh, known.hashes));
        at = std::max(at, until);
        if (at >= size) break;
        const std::uint64_t length = std::min(kRangeBytes, size - at);
        TRY(range(entry, {at, length}, fresh, known, dense));
        at += length;
    }
    return {};
}

Status Planner::range(const Entry& entry, Extent stretch, bool fresh, Known known, bool dense) {
    RangeUnit unit;
    unit.path = entry.path;
    unit.inode = entry.facts.inode;
    unit.offset = stretch.offset;
    unit.length = stretch.length;
    unit.block_size = entry.block_size;
    unit.fresh = fresh;
    unit.dense = dense;
    unit.device = context_.tree.is_image();
    const std::uint64_t first = unit.offset / unit.block_size, blocks = blocks_of(unit.length, unit.block_size);
    if (known.hashes) TRY(context_.base.hashes(first, blocks, unit.base));
    unit.base_read_back = known.read_back;
    touch({entry.path, first, blocks, false});
    flush_small();
    group_.units.emplace_back(std::move(unit));
    return count(stretch.length);
}

Status Planner::hole(const Entry& entry, std::uint64_t from, std::uint64_t until, bool fresh, bool hashes_known) {
    Run run;
    run.first = from / entry.block_size;
    run.count = blocks_of(until - from, entry.block_size);
    ready(run);
    if (fresh) return {};
    if (hashes_known) {
        TRY_ASSIGN(const bool already, context_.base.holes(run.first, run.first + run.count));
        if (already) return {};
    }
    touch({entry.path, run.first, run.count, false});
    group_.units.emplace_back(HoleUnit{entry.path, from, until - from});
    return count(0);
}

}  // namespace holdfast::mover
