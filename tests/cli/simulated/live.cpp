#include "tests/cli/simulated/live.h"

#include <thread>

namespace holdfast::simulated {

namespace {

using std::chrono::milliseconds;

// If the controllers take longer than the time that they work off, the world falls behind instead of standing still.
constexpr milliseconds kMostAtOnce{50};
constexpr milliseconds kTick{5};
constexpr milliseconds kSettle{900000};

}  // namespace

Live::Live(sim::Sim world) : sim_(std::move(world)), then_(std::chrono::steady_clock::now()) { set_clock(); }

// The clocks of both.
void Live::set_clock() {
    sim_.epoch = std::chrono::system_clock::now() - sim_.elapsed();
    if (sim_.other() != nullptr) sim_.other()->epoch = sim_.epoch;
}

void Live::catch_up() {
    const auto now = std::chrono::steady_clock::now();
    const auto passed = std::chrono::floor<milliseconds>(now - then_);
    then_ += passed;
    sim_.advance(std::min(passed, kMostAtOnce));
}

bool Live::settle() {
    return with([](sim::Sim& sim) { return sim.settle(kSettle); });
}

void Live::save(const std::string& name) {
    with([&](sim::Sim& sim) {
        saved_.insert_or_assign(name, sim);
        return true;
    });
}

bool Live::load(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = saved_.find(name);
    if (found == saved_.end()) return false;
    sim_ = found->second;
    set_clock();
    then_ = std::chrono::steady_clock::now();
    ++life_;
    changed_.notify_all();
    return true;
}

void Live::run() {
    while (true) {
        std::this_thread::sleep_for(kTick);
        with([](sim::Sim&) { return true; });
    }
}

}  // namespace holdfast::simulated
