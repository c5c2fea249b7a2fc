// Reads what the planner found changed, and gives it to the target: the workers' part of a pass.
#pragma once

#include "common/os/clock.h"
#include "common/os/signals.h"
#include "plugins/migrate/mover/buffers.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/spool.h"
#include "plugins/migrate/mover/suspect.h"
#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/units.h"
#include "plugins/migrate/mover/work.h"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::mover {

// Bytes per second, shared by all threads; 0: no limit.
class Limiter {
  public:
    Limiter(Clock& clock, std::uint64_t bytes_per_second) : clock_(clock), rate_(bytes_per_second) {}
    Status take(std::uint64_t bytes, const Signals& signals);  // kInterrupted: one came meanwhile

  private:
    Clock& clock_;
    const std::uint64_t rate_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point free_at_{};
};

// What all workers of a pass share. All must outlive it.
struct SourceContext {
    const Tree& tree;
    Sink& sink;
    Counters& counters;
    const Signals& signals;
    Limiter& limiter;
    Spool& removals;     // of what vanished after it was listed
    Spool& locks;        // flags that are set last
    SuspectSince since;  // see kSuspect
    BufferPool& buffers;
};

// One worker; not thread-safe. Each call gives the unit's records.
class Source {
  public:
    explicit Source(SourceContext context);
    Source(Source&&) = default;
    Result<std::string> small(const SmallUnit& unit);
    Result<std::string> range(const RangeUnit& unit);

  private:
    struct Loaded {
        Entry entry;
        std::string content;
        bool send = false, replace = false, has_content = true;
    };
    Result<std::optional<Loaded>> load(int directory, const SmallUnit& unit, const SmallItem& item, int opened);
    Result<int> reopen(const RangeUnit& unit);
    void open_direct(const std::string& path);
    Status read_stretch(const RangeUnit& unit, std::uint64_t offset, std::size_t length);
    void fill_gaps(const RangeUnit& unit, std::size_t length);
    void hash_blocks(const RangeUnit& unit, std::size_t length, std::vector<Digest>& out);
    Status send_changed(const RangeUnit& unit, std::uint64_t offset, std::size_t length, std::size_t first,
                        const std::vector<Digest>& hashes);
    Status send_chunk(const RangeUnit& unit, std::uint64_t offset, std::size_t begin, std::size_t end, bool fresh);

    SourceContext context_;
    Memory buffer_;
    std::vector<Segment> segments_;  // of what is in the buffer, offsets within it
    std::size_t available_ = 0;      // bytes of the buffer that the file really has
    std::string open_path_;
    Descriptor open_file_;
    Descriptor open_direct_;  // the same past the page cache, where that can be had
};

}  // namespace holdfast::mover
