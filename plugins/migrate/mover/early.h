// Reads back what an epoch has made durable while the next ones are being written, so that less is left for the end. It
// only saves work: what it did not come to, could not read or found wrong is left to the check, which names it.
#pragma once

#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/tree.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace holdfast::mover {

class EarlyReadBack {
  public:
    // No threads: nothing is read early. `tree` must outlive it. At most some MiB, whatever is given to it.
    EarlyReadBack(const Tree& tree, int threads, Counters& counters);
    EarlyReadBack(const EarlyReadBack&) = delete;
    EarlyReadBack& operator=(const EarlyReadBack&) = delete;
    ~EarlyReadBack();

    // A pass begins, and may write anew what was read back: nothing of that counts.
    void begin();
    // What becomes durable with the next checkpoint(). Never waits.
    void written(std::vector<RunCheck> runs);
    void checkpoint(std::uint64_t epoch);
    void durable(std::uint64_t epoch);
    // Waits until all that is durable has been read.
    void finish();
    // After finish(): whether exactly this was read back in this pass, and was right.
    bool has(const RunCheck& run) const;

  private:
    struct Waiting {
        std::uint64_t epoch = 0;
        std::size_t bytes = 0;  // of memory
        RunCheck run;
    };
    void work();
    bool can_go_on() const { return !waiting_.empty() && waiting_.front().epoch <= durable_; }

    const Tree& tree_;
    Counters& counters_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Waiting> waiting_;  // in the order of epochs
    std::size_t waiting_bytes_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t pass_ = 0;
    int busy_ = 0;
    bool stop_ = false;
    std::vector<Digest> right_;  // identities; sorted by finish()
    std::vector<std::thread> threads_;
};

}  // namespace holdfast::mover
