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
        explicit Noticed(Live& whose) : live(whose), before(whose.sim_.store.revision()) {}
        ~Noticed() {
            if (live.sim_.store.revision() == before) return;
            live.changed_.notify_all();
        }
        Noticed(const Noticed&) = delete;
        Noticed& operator=(const Noticed&) = delete;
        Live& live;
        long long before;
    };

    void catch_up();

    std::mutex mutex_;
    std::condition_variable changed_;
    sim::Sim sim_;
    std::map<std::string, sim::Sim> saved_;
    std::chrono::steady_clock::time_point then_;  // up to which real time has passed for the world
    std::atomic<int> life_ = 0;
};

}  // namespace holdfast::simulated
