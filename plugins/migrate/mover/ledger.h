// Brings what workers finish out of order into the order of the index, and asks the target to make it durable group by
// group. The index that it writes is the journal from which a killed pass goes on.
#pragma once

#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/work.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::mover {

class Ledger {
  public:
    // `epoch`: the target's last one; this pass's begin after it.
    // `window`: so many places lie between what is being worked on and the first that is not yet done. Without a bound
    // one slow worker would leave all that the others sent after it without an epoch, and a broken pass would send it
    // again.
    Ledger(IndexWriter& writer, Sink& sink, std::uint64_t epoch, std::uint64_t window)
        : window_(window), writer_(writer), sink_(sink), epoch_(epoch), begun_(epoch) {}
    // What is written will be read back: the sink is told of it as it becomes durable; see Sink::written().
    void tell_written();

    // A place in the order. One thread asks for them.
    std::uint64_t ticket() { return tickets_++; }
    // Waits until the ticket lies in the window, or nothing more will come.
    void wait_for_turn(std::uint64_t ticket);
    // Records for the ticket's place, from any thread. The work that they tell of has been given to the sink.
    Status put(std::uint64_t ticket, std::string records);
    // The same by the thread that asks for tickets: waits while too much is held back for what comes before.
    Status put_bounded(std::uint64_t ticket, std::string records);
    // Everything up to this ticket belongs to a group that is complete once all before it have come.
    Status end_group(std::uint64_t ticket);
    // Before any work of the group is given to the sink: see IndexWriter::mark_intent.
    Status begin_group(const std::vector<Touched>& touched);

    std::uint64_t epoch();       // the last one that was asked for
    std::uint64_t next_epoch();  // one more, for the steps after the last group
    void fail();                 // wakes who waits: nothing more will come

  private:
    struct Held {
        std::string records;
        bool group_end = false;
    };
    Status place(std::uint64_t ticket, Held held);
    Status write(const Held& held);

    const std::uint64_t window_;
    std::uint64_t tickets_ = 0;

    // Held while something is written, and only then: who plans goes on meanwhile. Never asked for with mutex_.
    std::mutex writer_mutex_;
    IndexWriter& writer_;
    Sink& sink_;
    std::uint64_t epoch_ = 0, begun_ = 0;
    std::vector<RunCheck> written_;  // that the sink has not been told

    std::mutex mutex_;
    std::condition_variable moved_;
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, Held> held_;
    std::size_t held_bytes_ = 0;
    bool writing_ = false;  // one thread writes all that comes to be next, whoever brings it
    bool failed_ = false;
};

}  // namespace holdfast::mover
