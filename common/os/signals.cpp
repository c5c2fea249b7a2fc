#include "common/os/signals.h"

#include "common/os/signal_count.h"

#include <sys/time.h>
#include <unistd.h>
#include <csignal>
#include <initializer_list>

namespace holdfast {
namespace {

// The only mutable globals of the project: a signal handler can reach nothing else.
volatile std::sig_atomic_t g_count = 0;
volatile std::sig_atomic_t g_last = 0;

void note(int signal) {
    g_count = g_count + 1;
    g_last = signal;
}

}  // namespace

ProcessSignals::ProcessSignals() {
    g_count = 0;
    g_last = 0;
    struct sigaction action {};
    action.sa_handler = note;
    sigemptyset(&action.sa_mask);
    action.sa_flags = 0;  // no SA_RESTART: waits return, and their loops ask for count()
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup stays in force
        sigaction(signal, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

int signals_received() { return g_count; }

int ProcessSignals::count() const { return shielded_ && g_count > 1 ? 1 : static_cast<int>(g_count); }
int ProcessSignals::last() const { return g_last; }

void exit_after(std::chrono::milliseconds time) {
    std::signal(SIGALRM, [](int) { _exit(1); });
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(time.count() / 1000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000);
    setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace holdfast
