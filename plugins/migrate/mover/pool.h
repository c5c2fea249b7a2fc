// Threads that work on jobs from one bounded queue. The first error stops them all.
#pragma once

#include "common/core/result.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace holdfast::mover {

template <typename Job>
class Pool {
  public:
    // `work` is called with the job and the number of the thread, 0 to threads - 1.
    using Work = std::function<Status(Job& job, int thread)>;

    Pool(int threads, std::size_t queued, Work work) : most_(queued), work_(std::move(work)) {
        for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
    }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    // What has not begun is dropped.
    ~Pool() {
        stop(Status());
        for (std::thread& thread : threads_) thread.join();
    }

    // Waits for room. The error that stopped the pool, if one did.
    Status add(Job job) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return jobs_.size() < most_ || stopped_; });
        if (stopped_) return error_;
        jobs_.push_back(std::move(job));
        ready_.notify_one();
        return {};
    }

    // Waits until every job is done, or one has failed.
    Status drain() {
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [&] { return (jobs_.empty() && busy_ == 0) || stopped_; });
        return error_;
    }

    // From any thread: nothing more is begun, and add() and drain() return this.
    void stop(Status why) {
        const std::lock_guard lock(mutex_);
        if (!stopped_) error_ = std::move(why);
        stopped_ = true;
        ready_.notify_all();
        room_.notify_all();
        idle_.notify_all();
    }

    std::size_t waiting() {
        const std::lock_guard lock(mutex_);
        return jobs_.size();
    }

  private:
    void run(int thread) {
        std::unique_lock lock(mutex_);
        while (true) {
            ready_.wait(lock, [&] { return !jobs_.empty() || stopped_; });
            if (stopped_) return;
            Job job = std::move(jobs_.front());
            jobs_.pop_front();
            ++busy_;
            room_.notify_one();
            lock.unlock();
            Status done = work_(job, thread);
            if (!done.ok()) stop(std::move(done));
            lock.lock();
            --busy_;
            if (jobs_.empty() && busy_ == 0) idle_.notify_all();
        }
    }

    const std::size_t most_;
    const Work work_;
    std::mutex mutex_;
    std::condition_variable ready_, room_, idle_;
    std::deque<Job> jobs_;
    int busy_ = 0;
    bool stopped_ = false;
    Status error_;
    std::vector<std::thread> threads_;
};

}  // namespace holdfast::mover
