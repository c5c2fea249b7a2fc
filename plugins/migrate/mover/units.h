// Pieces of work that the planner makes and the workers do.
#pragma once

#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/work.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::mover {

// Files of one directory up to kSmallFile, in order. Between them may stand entries of which nothing need be read.
struct SmallItem {
    std::string known;  // the encoded entry, if nothing need be read
    std::string name;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    bool replace = false;
    std::optional<Entry> base;  // what the target has, if that may be relied on
};
struct SmallUnit {
    std::string directory;
    std::vector<SmallItem> items;
};

// A stretch of a large file or of a device: whole blocks, but for the file's end.
struct RangeUnit {
    std::string path;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t block_size = 0;
    bool fresh = false;           // the target has a hole there
    bool dense = false;           // no need to look for holes
    bool device = false;          // a block of zeros counts as a hole
    std::vector<Digest> base;     // what the target has, a hash a block; empty: nothing is known
    bool base_read_back = false;  // and all of it was read back from there
};

// A stretch that became a hole.
struct HoleUnit {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// Records that are ready.
struct ReadyUnit {
    std::string records;
};

using Unit = std::variant<ReadyUnit, SmallUnit, RangeUnit, HoleUnit>;

inline constexpr std::uint64_t kRangeBytes = 4 << 20;

// What becomes durable together: written down in the index before it begins.
struct Group {
    std::vector<Step> steps;  // before the units
    std::vector<Unit> units;  // in the order of the index
    std::vector<Touched> touched;
    std::uint64_t bytes = 0;
    std::size_t entries = 0, path_bytes = 0, kept_bytes = 0;
};

}  // namespace holdfast::mover
