// Time as a dependency: real in the plugins, counted in tests. Every wait of ours goes through it.
#pragma once

#include <chrono>

namespace holdfast {

class Clock {
  public:
    virtual ~Clock() = default;
    virtual std::chrono::system_clock::time_point now() = 0;         // wall clock, for stamps on objects
    virtual std::chrono::steady_clock::time_point steady_now() = 0;  // for limits and measured phases
    virtual void sleep_for(std::chrono::milliseconds duration) = 0;  // returns early when a signal came
};

class RealClock : public Clock {
  public:
    std::chrono::system_clock::time_point now() override;
    std::chrono::steady_clock::time_point steady_now() override;
    void sleep_for(std::chrono::milliseconds duration) override;
};

}  // namespace holdfast
