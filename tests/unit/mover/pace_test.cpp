#include "plugins/migrate/mover/pace.h"

#include <doctest/doctest.h>

namespace holdfast::mover {
namespace {

// How much of `frames` was compressed, on a link and with processors that bring so many bytes a second across.
double part_compressed(Pace& pace, std::size_t frames, double plain, double compressed, bool held_up = true) {
    using Seconds = std::chrono::duration<double>;
    static Pace::Time now = Pace::Time() + std::chrono::hours(1);
    constexpr std::size_t kFrame = 1 << 20;
    double used = 0;
    for (std::size_t i = 0; i < frames; ++i) {
        const bool how = pace.compress(held_up, now);
        used += how ? 1 : 0;
        now += std::chrono::duration_cast<Pace::Time::duration>(Seconds(kFrame / (how ? compressed : plain)));
        pace.sent(kFrame, now);
    }
    return used / static_cast<double>(frames);
}

}  // namespace

TEST_CASE("what gains from compression is compressed, but for short trials without") {
    Pace fast;
    CHECK(part_compressed(fast, 2000, 118e6, 900e6) > 0.85);
    Pace slow;  // a trial of some frames takes seconds: it must be a rare thing
    CHECK(part_compressed(slow, 2000, 2e6, 40e6) > 0.95);
}

TEST_CASE("what loses by compression is sent plain, but for short trials with it") {
    Pace pace;
    CHECK(part_compressed(pace, 4000, 900e6, 500e6) < 0.15);
    Pace same;
    CHECK(part_compressed(same, 4000, 900e6, 900e6) < 0.2);
}

TEST_CASE("nothing is compressed while nothing waits to be sent") {
    Pace pace;
    CHECK(part_compressed(pace, 1000, 100e6, 900e6, false) == 0);
}

TEST_CASE("a link that becomes slow is noticed") {
    Pace pace;
    CHECK(part_compressed(pace, 4000, 900e6, 500e6) < 0.15);
    CHECK(part_compressed(pace, 3000, 50e6, 500e6) > 0.6);
    CHECK(part_compressed(pace, 12000, 900e6, 400e6) < 0.5);
}

}  // namespace holdfast::mover
