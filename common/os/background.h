// Work that is done again and again beside the main thread.
#pragma once

#include "common/os/signals.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace holdfast {

// Calls `work` every `period`, first after one period, on a thread of its own that no signal is delivered to. The
// destructor stops it: `work` is told by signals (count 2, as a second Ctrl-C would) and its end is waited for, so work
// must end soon after that. Whatever work touches must outlive this object.
class Background {
  public:
    using Work = std::function<void(const Signals& stop)>;
    Background(std::chrono::milliseconds period, Work work);
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background();

  private:
    class Stop : public Signals {
      public:
        int count() const override { return asked ? 2 : 0; }
        int last() const override { return 0; }
        std::atomic<bool> asked = false;
    };
    void run();

    const std::chrono::milliseconds period_;
    const Work work_;
    Stop stop_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
};

}  // namespace holdfast
