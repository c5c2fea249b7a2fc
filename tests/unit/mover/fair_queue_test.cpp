#include "plugins/migrate/mover/fair_queue.h"

#include <doctest/doctest.h>
#include <thread>
#include <vector>

namespace holdfast::mover {
namespace {

void wait_until_waiting(FairQueue<int>& queue, std::uint64_t pushes) {
    while (queue.waiting() < pushes) std::this_thread::yield();
}

}  // namespace

TEST_CASE("who began to wait first comes in first") {
    FairQueue<int> queue(1);
    REQUIRE(queue.push(0));
    std::vector<std::thread> threads;
    for (int i = 1; i <= 8; ++i) {
        threads.emplace_back([&queue, i] { queue.push(i); });
        wait_until_waiting(queue, static_cast<std::uint64_t>(i));
    }
    for (int i = 0; i <= 8; ++i) CHECK(queue.pop() == i);
    for (std::thread& thread : threads) thread.join();
}

TEST_CASE("closing wakes who waits to put something in, and drops it") {
    FairQueue<int> queue(1);
    REQUIRE(queue.push(0));
    bool in = true;
    std::thread waits([&] { in = queue.push(1); });
    wait_until_waiting(queue, 1);
    queue.close();
    waits.join();
    CHECK_FALSE(in);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("a queue is drained only once what was taken out is dealt with") {
    FairQueue<int> queue(4);
    REQUIRE(queue.push(1));
    bool dealt_with = false;
    std::thread works([&] {
        while (queue.pop()) {
            std::this_thread::yield();
            dealt_with = true;
        }
    });
    queue.drain();
    CHECK(dealt_with);
    queue.close();
    works.join();
}

}  // namespace holdfast::mover
