#include "common/os/clock.h"

#include <cerrno>
#include <ctime>

namespace holdfast {

std::chrono::system_clock::time_point RealClock::now() { return std::chrono::system_clock::now(); }
std::chrono::steady_clock::time_point RealClock::steady_now() { return std::chrono::steady_clock::now(); }

void RealClock::sleep_for(std::chrono::milliseconds duration) {
    if (duration.count() <= 0) return;
    // nanosleep and not std::this_thread: a signal must end it, so that Ctrl-C is answered at once.
    timespec time{static_cast<time_t>(duration.count() / 1000), static_cast<long>(duration.count() % 1000) * 1000000};
    nanosleep(&time, nullptr);
}

}  // namespace holdfast
