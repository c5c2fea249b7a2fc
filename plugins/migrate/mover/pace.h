// Whether to compress what is sent, by trying: which of the two brings more content across in a while depends on the
// link, on both sides' processors and disks, and on the content, and only the result of all that can be seen. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace holdfast::mover {

class Pace {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // Whether the next frame should be compressed. `held_up`: frames wait to be sent, without which nothing is gained.
    bool compress(bool held_up, Time now);
    // So much content was given away, which had to wait until there was room for it.
    void sent(std::size_t bytes, Time now);

  private:
    void begin(bool compressing, std::chrono::milliseconds wait, Time now);
    void judge(std::chrono::duration<double> took, Time now);

    bool compressing_ = false;
    double rate_plain_ = 0, rate_compressed_ = 0;  // bytes a second, when last tried
    std::chrono::milliseconds patience_{500};      // before the one that was slower is tried again
    Time next_trial_{};
    std::size_t lag_ = 0;  // frames until what was queued in the other way is gone
    std::size_t frames_ = 0;
    std::uint64_t bytes_ = 0;
    Time since_{};
};

}  // namespace holdfast::mover
