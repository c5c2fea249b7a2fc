#include "plugins/migrate/mover/image_check.h"

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/base.h"
#include "plugins/migrate/mover/planner.h"
#include "plugins/migrate/mover/pool.h"
#include "plugins/migrate/mover/read_back.h"

#include <unistd.h>
#include <memory>
#include <vector>

namespace holdfast::mover {
namespace {

Result<Entry> entry_of_image(const Tree& image, Base& index) {
    TRY_ASSIGN(const Entry* const entry, index.peek());
    if (entry != nullptr && entry->path.empty() && entry->meta.kind == Kind::kFile) return index.take();
    return Error{ErrorKind::kMismatch, image.shown("") + ": the index is of a directory, not of an image", "", 0, ""};
}

}  // namespace

Result<Verdict> check_image(const Tree& image, IndexReader reader, int threads, Counters& counters,
                            const Signals& signals) {
    Base index(std::move(reader));
    TRY_ASSIGN(const Entry entry, entry_of_image(image, index));
    Findings findings(image);
    const off_t size = lseek(image.root(), 0, SEEK_END);
    const bool fits = image.is_block_device() ? static_cast<std::uint64_t>(size) >= entry.meta.size
                                              : static_cast<std::uint64_t>(size) == entry.meta.size;
    if (!fits) findings.add("", "size is " + std::to_string(size) + ", not " + std::to_string(entry.meta.size));
    std::vector<std::unique_ptr<ReadBack>> readers;
    for (int i = 0; i < threads; ++i) readers.push_back(std::make_unique<ReadBack>(image, findings, counters, true));
    Pool<ReadBackUnit> pool(threads, 32, [&](ReadBackUnit& unit, int thread) {
        return readers[static_cast<std::size_t>(thread)]->run(unit);
    });
    while (true) {
        if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(std::optional<Run> run, index.next_run());
        if (!run) break;
        run->read_back.clear();
        TRY(pool.add(RunCheck{"", std::move(*run), entry.block_size, entry.meta.size}));
    }
    TRY(pool.drain());
    Verdict verdict = findings.verdict();
    verdict.entries = 1;
    return verdict;
}

Status check_image_source(const Tree& image, IndexReader reader) {
    Base index(std::move(reader));
    TRY_ASSIGN(const Entry known, entry_of_image(image, index));
    TRY_ASSIGN(const Entry now, image_entry(image));
    if (known.facts == now.facts && known.meta.size == now.meta.size) return {};
    return Error{ErrorKind::kMismatch, image.shown("") + " changed while it was copied; is it still written to?",
                 "stop what writes to the source, then run the same command again", 0, ""};
}

}  // namespace holdfast::mover
