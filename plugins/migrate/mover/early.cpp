#include "plugins/migrate/mover/early.h"

#include "plugins/migrate/mover/read_back.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostWaiting = 4 << 20;  // bytes: the hashes of 4 GiB in blocks of 16 KiB
constexpr std::size_t kMostRight = 1 << 18;    // runs of at most 4 MiB
constexpr std::uint64_t kNoEpochYet = UINT64_MAX;

std::size_t size_of(const RunCheck& run) {
    return sizeof(RunCheck) + run.path.size() + run.run.hashes.size() * sizeof(Digest);
}

}  // namespace

EarlyReadBack::EarlyReadBack(const Tree& tree, int threads, Counters& counters) : tree_(tree), counters_(counters) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

EarlyReadBack::~EarlyReadBack() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

void EarlyReadBack::begin() {
    const std::lock_guard lock(mutex_);
    ++pass_;
    waiting_.clear();
    waiting_bytes_ = 0;
    right_.clear();
    durable_ = 0;
}

void EarlyReadBack::written(std::vector<RunCheck> runs) {
    const std::lock_guard lock(mutex_);
    for (RunCheck& run : runs) {
        const std::size_t bytes = size_of(run);
        if (threads_.empty() || waiting_bytes_ + bytes > kMostWaiting) return;
        waiting_bytes_ += bytes;
        waiting_.push_back({kNoEpochYet, bytes, std::move(run)});
    }
}

void EarlyReadBack::checkpoint(std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->epoch == kNoEpochYet; ++it) it->epoch = epoch;
}

void EarlyReadBack::durable(std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    durable_ = epoch;
    changed_.notify_all();
}

void EarlyReadBack::work() {
    Findings findings(tree_);
    ReadBack reader(tree_, findings, counters_, true);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return can_go_on() || stop_; });
        if (stop_) return;
        const Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_bytes_ -= next.bytes;
        const std::uint64_t pass = pass_;
        ++busy_;
        lock.unlock();
        const std::uint64_t wrong = findings.verdict().differences;
        const bool right = reader.run(next.run).ok() && findings.verdict().differences == wrong;
        const Digest identity = identity_of(next.run);
        lock.lock();
        --busy_;
        if (right && pass == pass_ && right_.size() < kMostRight) right_.push_back(identity);
        changed_.notify_all();
    }
}

void EarlyReadBack::finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !can_go_on() && busy_ == 0; });
    std::sort(right_.begin(), right_.end());
}

bool EarlyReadBack::has(const RunCheck& run) const {
    const std::lock_guard lock(mutex_);
    return !right_.empty() && std::binary_search(right_.begin(), right_.end(), identity_of(run));
}

}  // namespace holdfast::mover
