#include "plugins/migrate/mover/trim.h"

#include "plugins/migrate/mover/walk.h"

namespace holdfast::mover {
namespace {

// Entries of the index up to `path`: that one is kept with its hashes, those before it are in the source no more.
Status keep_until(Base& old, const std::string& path, IndexWriter& kept) {
    while (true) {
        TRY_ASSIGN(const Entry* const next, old.peek());
        if (next == nullptr || compare_paths(next->path, path) > 0) return {};
        TRY_ASSIGN(const Entry entry, old.take());
        if (entry.path != path) continue;
        TRY(kept.add(entry));
        while (entry.block_size != 0) {
            TRY_ASSIGN(const std::optional<Run> run, old.next_run());
            if (!run) break;
            TRY(kept.add(*run));
        }
        return {};
    }
}

}  // namespace

Status trim_target(const Tree& source, TargetSide& target, State& state, const std::string& scratch,
                   std::uint64_t epoch, const Signals& signals) {
    TRY_ASSIGN(IndexReader reader, IndexReader::open(state.index()));
    const IndexHead head = reader.head();
    Base old(std::move(reader));
    TRY_ASSIGN(IndexWriter wanted, IndexWriter::create(state.names(), head));
    TRY_ASSIGN(IndexWriter kept, IndexWriter::create(state.trimmed(), head));
    Walk walk(source, scratch);
    while (true) {
        if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const Visited visited, walk.next());
        if (visited.visit == Visit::kEnd) break;
        if (visited.visit == Visit::kLeave) continue;
        Entry entry;
        entry.path = visited.path;
        entry.meta = visited.looked.meta;
        entry.facts = visited.looked.facts;
        TRY(wanted.add(entry));
        TRY(keep_until(old, visited.path, kept));
    }
    TRY_ASSIGN(const IndexEnd names_end, wanted.finish(epoch));
    TRY_ASSIGN(const IndexEnd kept_end, kept.finish(epoch));
    TRY(state.take_trimmed());
    Status pruned = target.prune(state.names());
    state.forget_names();
    return pruned;
}

}  // namespace holdfast::mover
