// The one thread of a pass that walks the source (of an image: goes through its blocks) beside what the target is known
// to have, and decides what must be done.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/base.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/link_table.h"
#include "plugins/migrate/mover/near_directories.h"
#include "plugins/migrate/mover/spool.h"
#include "plugins/migrate/mover/suspect.h"
#include "plugins/migrate/mover/units.h"
#include "plugins/migrate/mover/used_blocks.h"
#include "plugins/migrate/mover/walk.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

// What is looked at of an image as a whole.
Result<Entry> image_entry(const Tree& tree);

// Steps for the end of a pass, in the order in which they are done.
struct Spools {
    explicit Spools(const std::string& folder)
        : removals(folder), files(folder), links(folder), directories(folder), locks(folder) {}
    Spool removals, files, links, directories, locks;
};

struct PlanContext {
    const Tree& tree;
    Base& base;
    Spools& spools;
    Counters& counters;
    const Signals& signals;
    std::string scratch;    // folder
    SuspectSince since;     // see kSuspect
    bool unclean = false;   // finish everything, not only what changed
    bool paranoid = false;  // read every file, whatever its times say
    std::uint64_t group_bytes = 0;
    std::size_t group_entries = 0;
    bool blank = false;          // of an image: the target is new, and all zeros
    ExtentList* used = nullptr;  // of an image: only these are copied
    Visits* seen = nullptr;      // what a walk saw of a source at rest, which is not walked once more
};

class Planner {
  public:
    using Release = std::function<Status(Group&& group)>;
    Planner(PlanContext context, Release release);
    // kInterrupted at a signal. Groups come in the order of the index; the last one may be small.
    Status run();

  private:
    struct Level {  // a directory that the walk is in
        Meta meta;
        bool finish = false;  // its metadata must be set at the end of the pass
    };
    Result<std::optional<Entry>> join(const std::string& path);
    void gone(const Entry& entry);
    Status enter(const Visited& visited);
    Status leave(const Visited& visited);
    Status visit(const Visited& visited);
    Status small(const Visited& visited, std::optional<Entry> base, bool replace);
    Status large(const Visited& visited, std::optional<Entry> base, bool replace);
    Status image();
    // What the index says of a large file on the target.
    struct Known {
        bool hashes = false;
        bool read_back = false;  // all of it, and found right
    };
    Status used_ranges(const Entry& entry, bool fresh, Known known);
    Status range(const Entry& entry, Extent stretch, bool fresh, Known known, bool dense);
    Status ranges(int file, const Entry& entry, bool fresh, Known known, bool dense);
    Status hole(const Entry& entry, std::uint64_t from, std::uint64_t until, bool fresh, bool hashes_known);
    Status other(const Visited& visited, std::optional<Entry> base);
    Status link(const Visited& visited, const std::optional<Entry>& base, const LinkTable::First& first);
    Status keep(Entry entry);
    Status finish_known(const Entry& entry);
    std::uint8_t suspect(const Entry& entry) const;
    void ready(const Entry& entry);
    void ready(const Run& run);
    std::string& ready_records();
    void touch(Touched touched);
    void touch_parent() { levels_.back().finish = true; }
    Result<int> directory_of(const Visited& visited);
    void flush_small();
    Status count(std::uint64_t bytes);
    Status count_kept(std::size_t bytes);
    Status release();

    PlanContext context_;
    Release release_;
    Walk walk_;
    Visits& visits_;  // that, or what was seen before
    NearDirectories near_;
    Descriptor held_;  // the last directory that was opened because no walk has it open
    std::string held_path_;
    std::optional<LinkTable> links_;
    std::optional<std::uint64_t> several_;  // the identity of what is being looked at, if it has several names
    std::vector<Level> levels_;
    std::string removed_;  // the last directory or file removed: what is beneath needs no step of its own
    bool removed_any_ = false;
    Group group_;
    SmallUnit small_;
    std::uint64_t small_bytes_ = 0;
    std::size_t small_reads_ = 0, small_known_ = 0;
};

}  // namespace holdfast::mover
