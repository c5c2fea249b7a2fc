// A simulated cluster that lives by itself: real time passes for it too. Many threads may ask it, one at a time gets
// it.
#pragma once

#include "tests/sim/sim.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace holdfast::simulated {

class Live {
  public:
    // The world goes on from where it is; its clock is set to the machine's. It must have come to rest.
    explicit Live(sim::Sim world);

    // `act` alone with the world, at the present time. Do not call with or wait within it.
    template <typename Act>
    auto with(Act&& act) {
        const std::lock_guard lock(mutex_);
        const Noticed noticed(*this);
        catch_up();
        return act(sim_);
    }
    // As with(), until it returns true or `limit` has passed; asked again after each change. False: the limit.
    template <typename Question>
    bool wait(std::chrono::milliseconds limit, Question&& question) {
        const auto end = std::chrono::steady_clock::now() + limit;
        std::unique_lock lock(mutex_);
        while (!question(sim_)) {
            if (changed_.wait_until(lock, end) == std::cv_status::timeout) return false;
        }
        return true;
    }

    // Lets time leap until nothing is due any more; false if there is no end to it.
    bool settle();
    // Keeps the world as it is now under a name; goes back to it. False: there is none of that name.
    void save(const std::string& name);
    bool load(const std::string& name);
    // How often the world was replaced: watches of an earlier one end.
    int life() const { return life_; }

    // Makes time pass until the process ends.
    [[noreturn]] void run();

  private:
    // Tells who waits, if what happened meanwhile was a change.
    struct Noticed {
        explicit Noticed(Live& whose) : live(whose), before(whose.changes()) {}
        ~Noticed() {
            if (live.changes() == before) return;
            live.changed_.notify_all();
        }
        Noticed(const Noticed&) = delete;
        Noticed& operator=(const Noticed&) = delete;
        Live& live;
        long long before;
    };

    long long changes() {
        return sim_.store.revision() + (sim_.other() == nullptr ? 0 : sim_.other()->store.revision());
    }
    void catch_up();
    void set_clock();

    std::mutex mutex_;
    std::condition_variable changed_;
    sim::Sim sim_;
    std::map<std::string, sim::Sim> saved_;
    std::chrono::steady_clock::time_point then_;  // up to which real time has passed for the world
    std::atomic<int> life_ = 0;
};

// One cluster of a world: the first, or the other one on the same storage.
class Side {
  public:
    // live must outlive it, and its world must have another cluster if that is meant.
    explicit Side(Live& live, bool other = false) : live_(live), other_(other) {}
    template <typename Act>
    auto with(Act&& act) {
        return live_.with([&](sim::Sim& sim) { return act(mine(sim)); });
    }
    template <typename Question>
    bool wait(std::chrono::milliseconds limit, Question&& question) {
        return live_.wait(limit, [&](sim::Sim& sim) { return question(mine(sim)); });
    }
    int life() const { return live_.life(); }

  private:
    sim::Sim& mine(sim::Sim& sim) const { return other_ ? *sim.other() : sim; }

    Live& live_;
    bool other_;
};

}  // namespace holdfast::simulated
