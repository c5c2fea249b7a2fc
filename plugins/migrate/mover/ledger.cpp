#include "plugins/migrate/mover/ledger.h"

#include <utility>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostHeldRecords = 2 << 20;  // bytes of records that wait for earlier ones
constexpr std::size_t kToldTogether = 64;          // runs

}  // namespace

void Ledger::wait_for_turn(std::uint64_t ticket) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return ticket < next_ + window_ || failed_; });
}

Status Ledger::put(std::uint64_t ticket, std::string records) { return place(ticket, {std::move(records), false}); }

Status Ledger::end_group(std::uint64_t ticket) { return place(ticket, {"", true}); }

Status Ledger::put_bounded(std::uint64_t ticket, std::string records) {
    {
        std::unique_lock lock(mutex_);
        moved_.wait(lock, [&] { return held_bytes_ < kMostHeldRecords || next_ == ticket || failed_; });
    }
    return put(ticket, std::move(records));
}

// After an error the place stays the next one: nothing is written behind it.
Status Ledger::place(std::uint64_t ticket, Held held) {
    std::unique_lock lock(mutex_);
    held_bytes_ += held.records.size();
    held_.emplace(ticket, std::move(held));
    if (writing_) return {};
    writing_ = true;
    Status done;
    while (done.ok() && !held_.empty() && held_.begin()->first == next_) {
        const Held first = std::move(held_.extract(held_.begin()).mapped());
        lock.unlock();
        done = write(first);
        lock.lock();
        held_bytes_ -= first.records.size();
        if (done.ok()) ++next_;
        moved_.notify_all();
    }
    writing_ = false;
    return done;
}

Status Ledger::write(const Held& held) {
    const std::lock_guard lock(writer_mutex_);
    if (!held.records.empty()) TRY(writer_.add(held.records));
    if (!written_.empty() && (held.group_end || written_.size() >= kToldTogether))
        TRY(sink_.written(std::exchange(written_, {})));
    if (!held.group_end) return {};
    // The mark first: should the target have this epoch and we be killed, we know by it what the target has.
    TRY(writer_.mark_group(++epoch_));
    return sink_.checkpoint(epoch_);
}

void Ledger::tell_written() {
    writer_.tell_runs([this](RunCheck&& run) { written_.push_back(std::move(run)); });
}

Status Ledger::begin_group(const std::vector<Touched>& touched) {
    const std::lock_guard lock(writer_mutex_);
    return writer_.mark_intent(++begun_, touched);
}

std::uint64_t Ledger::epoch() {
    const std::lock_guard lock(writer_mutex_);
    return epoch_;
}

std::uint64_t Ledger::next_epoch() {
    const std::lock_guard lock(writer_mutex_);
    return ++epoch_;
}

void Ledger::fail() {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    moved_.notify_all();
}

}  // namespace holdfast::mover
