// A tree from its root, parents before children, names in order (compare_paths): the order of the index. Iterative,
// with bounded descriptors and memory at any depth.
#pragma once

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/listing.h"
#include "plugins/migrate/mover/look_ahead.h"

#include <string>
#include <vector>

namespace holdfast::mover {

enum class Visit { kEnter, kEntry, kLeave, kEnd };  // kEnter and kLeave: of directories

struct Visited {
    Visit visit = Visit::kEnd;
    std::string path;
    // The open parent, good until the next call; for kEnter and kLeave the directory itself. -1: not open.
    int directory = -1;
    Looked looked;   // not of kLeave
    int closed = 0;  // errno of a directory that could not be entered: it comes as a kEntry
};

class Visits {
  public:
    virtual ~Visits() = default;
    virtual Result<Visited> next() = 0;
};

class Walk : public Visits {
  public:
    // `spill`: see Listing. Entries that vanish between listing and look are passed over: a live tree may change.
    // `ahead`: of the same tree, begun with the walk; it then looks at what the walk comes to.
    Walk(const Tree& tree, std::string spill, LookAhead* ahead = nullptr)
        : tree_(tree), spill_(std::move(spill)), ahead_(ahead) {}

    // The next thing; after kEnd only kEnd. Passed over: the mover's own journal in the root. A directory that may not
    // be read, or on which another filesystem is mounted, comes as a kEntry with `closed`.
    Result<Visited> next() override;
    // Called after kEnter: leaves without looking inside.
    void skip() { stack_.back().skipped = true; }
    std::size_t vanished() const { return vanished_; }

  private:
    struct Level {
        Descriptor directory;
        std::optional<Inside> inside;  // that, or
        std::optional<Listing> listing;
        std::size_t next = 0;  // of inside
        std::uint64_t inode = 0;
        bool skipped = false;
        bool left = false;
    };
    Result<Visited> enter(Descriptor directory, Looked looked);
    Status open_inside(Level& level);
    Result<std::optional<Seen>> next_inside(Level& level);
    Result<std::optional<Visited>> step_inside();
    Descriptor parent(const Descriptor& child, std::uint64_t inode) const;
    Status reopen(Level& level, const Descriptor& child);

    const Tree& tree_;
    std::string spill_;
    LookAhead* const ahead_;
    std::string path_;
    std::vector<Level> stack_;
    std::size_t held_bytes_ = 0;  // of what is inside the levels
    bool begun_ = false;
    std::size_t vanished_ = 0;
};

// Names in the root that mkfs and the mover make.
inline constexpr std::string_view kLostAndFound = "lost+found";
inline constexpr std::string_view kJournalName = ".holdfast-mover";
// A directory in the root of a target while it is tried what it can hold. As the journal, it is nothing of a source.
inline constexpr const char* kProbeName = ".holdfast-probe";

}  // namespace holdfast::mover
