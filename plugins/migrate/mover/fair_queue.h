// A bounded queue into which waiting threads come one after the other, in the order in which they began to wait: a
// thread that others overtook again and again would keep what it sends, and all that becomes durable only after it,
// from the target for as long as chance liked.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace holdfast::mover {

template <typename Item>
class FairQueue {
  public:
    explicit FairQueue(std::size_t most) : most_(most) {}

    // Waits for its turn and for room; false: closed, and the item is dropped.
    bool push(Item item) {
        std::unique_lock lock(mutex_);
        const std::uint64_t turn = came_++;
        changed_.wait(lock, [&] { return (turn == admitted_ && items_.size() < most_) || closed_; });
        if (closed_) return false;
        ++admitted_;
        items_.push_back(std::move(item));
        changed_.notify_all();
        return true;
    }

    // Waits for one; nullopt: closed. Until the next pop() or done() it counts as still being worked on.
    std::optional<Item> pop() {
        std::unique_lock lock(mutex_);
        busy_ = false;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !items_.empty() || closed_; });
        if (closed_) return std::nullopt;
        Item item = std::move(items_.front());
        items_.pop_front();
        busy_ = true;
        changed_.notify_all();
        return item;
    }

    // Waits until everything was popped and worked on, or the queue is closed.
    void drain() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return (items_.empty() && !busy_) || closed_; });
    }

    // Nothing comes in or goes out any more; whoever waits goes on.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        items_.clear();
        changed_.notify_all();
    }

    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return items_.size();
    }
    // Pushes that wait.
    std::uint64_t waiting() {
        const std::lock_guard lock(mutex_);
        return came_ - admitted_;
    }

  private:
    const std::size_t most_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> items_;
    std::uint64_t came_ = 0, admitted_ = 0;
    bool busy_ = false, closed_ = false;
};

}  // namespace holdfast::mover
