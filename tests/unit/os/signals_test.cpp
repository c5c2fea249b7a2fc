#include "common/os/signals.h"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

using namespace holdfast;

TEST_CASE("a signal that comes while the process ends does not change its exit code") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        CAPTURE(signal);
        const pid_t child = fork();
        if (child == 0) {
            { const ProcessSignals signals; }
            raise(signal);
            _exit(42);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 42);
    }
}

TEST_CASE("signals are counted, and while shielded no more than one of them") {
    const pid_t child = fork();
    if (child == 0) {
        const ProcessSignals signals;
        bool right = signals.count() == 0 && signals.last() == 0;
        signals.shield(true);
        raise(SIGINT);
        raise(SIGTERM);
        right = right && signals.count() == 1 && signals.last() == SIGTERM;
        signals.shield(false);
        _exit(right && signals.count() == 2 ? 42 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 42);
}
