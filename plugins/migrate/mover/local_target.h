// The target in this process: what copy writes into, and what receive drives with what it was sent.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/early.h"
#include "plugins/migrate/mover/journal.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/survey.h"
#include "plugins/migrate/mover/target.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace holdfast::mover {

struct LocalTargetOptions {
    std::string scratch;  // folder for what is too large for memory
    int threads = 1;      // that read back
};

class LocalTarget : public TargetSide {
  public:
    // All must outlive it.
    LocalTarget(const Tree& tree, LocalTargetOptions options, Counters& counters, const Signals& signals);
    ~LocalTarget() override;
    // What takes long ends with kInterrupted once this answers True: nobody waits for it any more.
    void while_wanted(std::function<bool()> unwanted) { long_.unwanted = std::move(unwanted); }
    // If an earlier pass left something here, begins to look at it in the background: it will be asked for.
    void look_ahead();

    Result<TargetState> begin(const std::string& operation) override;
    Result<std::vector<std::string>> probe(const Needs& needs) override;
    Status rebuild(const std::string& path, const std::string& operation) override;
    Status prune(const std::string& path) override;
    Result<Verdict> check(const std::string& path, CheckHow how) override;
    Result<bool> agrees(const Fingerprint& glance) override;
    Status seal(const Meta& root) override;

    Status steps(const std::vector<Step>& steps) override;
    Status batch(const Batch& batch) override { return target_.batch(batch); }
    Status chunk(const Chunk& chunk) override { return target_.chunk(chunk); }
    Status written(std::vector<RunCheck> runs) override;
    Status checkpoint(std::uint64_t epoch) override;
    Status wait_durable(std::uint64_t epoch) override;

  private:
    void sync_again_and_again();
    Status sync(std::uint64_t epoch);

    const Tree& tree_;
    const LocalTargetOptions options_;
    Counters& counters_;
    class WhileWanted : public Signals {
      public:
        explicit WhileWanted(const Signals& signals) : signals_(signals) {}
        int count() const override;
        int last() const override { return signals_.last(); }
        std::function<bool()> unwanted;

      private:
        const Signals& signals_;
        mutable std::atomic<std::chrono::steady_clock::time_point> asked_{};
    } long_;
    Target target_;
    const Descriptor folder_;
    Journal journal_;
    JournalRecord record_;

    // The thread that makes epochs durable beside the writing: on slow disks the write-back must not wait for the end.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t asked_ = 0, durable_ = 0;
    bool stop_ = false;
    Status failed_;
    EarlyReadBack early_;
    std::thread syncer_;
    Forerunner forerunner_;
};

}  // namespace holdfast::mover
