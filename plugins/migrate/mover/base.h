// What is known to be on the target, in the order of a walk: the index of the pass before, read beside the walk of this
// one.
#pragma once

#include "plugins/migrate/mover/index_file.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

class Base {
  public:
    // Nothing is known of an empty target but its root.
    Base() = default;
    explicit Base(IndexReader reader) : reader_(std::move(reader)) {}

    // The next entry, or nullptr after the last. Runs of an entry that nobody asked for are passed over.
    Result<const Entry*> peek();
    // Takes the entry that peek() showed; its hashes are asked for with the two below until the next peek().
    Result<Entry> take();

    // Hashes of blocks first .. first + count - 1 of the entry taken; kHole, kUnknown where it has none. Calls go
    // forward only.
    Status hashes(std::uint64_t first, std::uint64_t count, std::vector<Digest>& out);
    // True if all blocks first .. end - 1 are known to be holes. Forward only, likewise.
    Result<bool> holes(std::uint64_t first, std::uint64_t end);
    // The next run of the entry taken, as it stands.
    Result<std::optional<Run>> next_run();

  private:
    Status read();
    std::optional<IndexReader> reader_;
    std::optional<Record> ahead_;
    bool done_ = false;
    std::optional<Run> run_;  // of the entry taken, the last one read
};

}  // namespace holdfast::mover
