#include "common/os/background.h"

#include <pthread.h>
#include <csignal>

namespace holdfast {

// The mask is inherited: blocked while the thread is made, a signal always finds the main thread, whose sleep it ends.
Background::Background(std::chrono::milliseconds period, Work work) : period_(period), work_(std::move(work)) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Background::~Background() {
    {
        const std::lock_guard<std::mutex> hold(mutex_);
        stop_.asked = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Background::run() {
    std::unique_lock<std::mutex> hold(mutex_);
    while (!wake_.wait_for(hold, period_, [this] { return stop_.asked.load(); })) {
        hold.unlock();
        work_(stop_);
        hold.lock();
    }
}

}  // namespace holdfast
