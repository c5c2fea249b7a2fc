// Block devices and images: one large file without a name, of which perhaps only some blocks count.
#include "plugins/migrate/mover/planner.h"

#include "plugins/migrate/mover/attributes.h"

#include <algorithm>

namespace holdfast::mover {

Result<Entry> image_entry(const Tree& tree) {
    Entry entry;
    entry.meta.size = tree.image_size();
    entry.facts.inode = 1;  // a device is always the same one
    entry.block_size = block_size_for(entry.meta.size);
    if (tree.is_block_device()) return entry;
    TRY_ASSIGN(const Looked looked, look_at(tree.root(), "", tree.shown("")));
    entry.facts = looked.facts;
    return entry;
}

Status Planner::image() {
    TRY_ASSIGN(std::optional<Entry> base, join(""));
    TRY_ASSIGN(Entry entry, image_entry(context_.tree));
    if (base && (base->state & kUntrusted) != 0) base.reset();
    if (base && base->meta.size != entry.meta.size)
        return Error{ErrorKind::kRefused, context_.tree.shown("") + " has another size than when it was copied before",
                     "copy it from the beginning: without --state, or with another --operation", 0, ""};
    const Known known{base && base->block_size != 0, false};  // all of an image is read back each time
    if (known.hashes) entry.block_size = base->block_size;
    ready(entry);
    if (!base) touch({"", 0, 0, false});
    ++context_.counters.entries;
    TRY(context_.spools.files.add(FinishFile{"", entry.meta}));
    const bool fresh = context_.blank && !base;
    if (fresh) group_.steps.push_back(FinishFile{"", entry.meta});  // its size first: see Target::make_file()
    const bool dense = context_.tree.is_block_device() || entry.facts.blocks * 512 >= entry.meta.size;
    if (context_.used != nullptr)
        TRY(used_ranges(entry, fresh, known));
    else
        TRY(ranges(context_.tree.root(), entry, fresh, known, dense));
    return release();
}

// What lies in no extent has no hashes in the index: it is neither copied nor read back.
Status Planner::used_ranges(const Entry& entry, bool fresh, Known known) {
    const std::uint64_t block = entry.block_size;
    std::uint64_t at = 0;
    context_.used->rewind();
    while (true) {
        if (context_.signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const std::optional<Extent> extent, context_.used->next());
        if (!extent) return {};
        // Whole blocks of the index, each once.
        at = std::max(at, extent->offset / block * block);
        const std::uint64_t end =
            std::min(entry.meta.size, (extent->offset + extent->length + block - 1) / block * block);
        while (at < end) {
            const std::uint64_t length = std::min(kRangeBytes, end - at);
            TRY(range(entry, {at, length}, fresh, known, true));
            context_.counters.bytes += length;
            at += length;
        }
    }
}

}  // namespace holdfast::mover
