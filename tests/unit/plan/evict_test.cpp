// How long a pod's eviction, and a create that must succeed, is tried.
#include "common/plan/executor.h"

#include "tests/unit/plan/executor_scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                      // NOLINT: a test of one header
using namespace holdfast::plan;                // NOLINT
using namespace holdfast::testing::executing;  // NOLINT

namespace {

void put_pod(ExecutorScene& f) {
    f.cluster.put({{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "p"}, {"namespace", "n"}}}});
    Delete evict{{kube::kPods, "n", "p"}, {kube::uid_of(*f.cluster.at({kube::kPods, "n", "p"})), ""}};
    evict.evict = true;
    f.plan.steps = {step("evict", evict)};
}

// The first so many evictions are more than a budget allows.
void put_budget(ExecutorScene& f, int& refusals) {
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call != "evict pod/n/p" || refusals == 0) return std::nullopt;
        --refusals;
        return Error{ErrorKind::kUnavailable, "no disruption is allowed", "", 429, "TooManyRequests"};
    };
}

}  // namespace

TEST_CASE("a pod is evicted, and a budget that does not allow it is asked again until it does") {
    ExecutorScene f;
    put_pod(f);
    int refusals = 3;
    put_budget(f, refusals);
    CHECK(f.run().status.ok());
    CHECK(refusals == 0);
    CHECK(f.notes.saw("wait pod/n/p: not evicted yet: no disruption is allowed"));
    CHECK(f.cluster.at({kube::kPods, "n", "p"}) == nullptr);
}

TEST_CASE("a budget that never allows an eviction ends it in time, and the pod stays") {
    ExecutorScene f;
    put_pod(f);
    int refusals = 1000000;
    put_budget(f, refusals);
    const Outcome outcome = f.run();
    REQUIRE_FALSE(outcome.status.ok());
    CHECK(outcome.status.error().kind == ErrorKind::kTimeout);
    CHECK(outcome.status.error().message == "pod/n/p: not evicted yet: no disruption is allowed");
    CHECK(outcome.status.error().hint.find("kubectl get poddisruptionbudgets -n n") != std::string::npos);
    CHECK(f.cluster.at({kube::kPods, "n", "p"}) != nullptr);
}

TEST_CASE("how long a budget is asked is counted by the clock: slow answers do not make hours of it") {
    ExecutorScene f;
    put_pod(f);
    const auto begin = f.clock.steady_now();
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call != "evict pod/n/p") return std::nullopt;
        f.clock.sleep_for(std::chrono::seconds(30));
        return Error{ErrorKind::kUnavailable, "no disruption is allowed", "", 429, "TooManyRequests"};
    };
    CHECK(f.run().status.error().kind == ErrorKind::kTimeout);
    CHECK(f.clock.steady_now() - begin < f.limits.stall + std::chrono::seconds(65));
}

TEST_CASE("what must come again is tried by the clock, too: slow refusals do not make hours of it") {
    ExecutorScene f;
    Create again{claim("a"), {}, true};
    again.insists = true;
    f.plan.steps = {step("again", again)};
    const auto begin = f.clock.steady_now();
    int tries = 0;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call != "create pvc/n/a") return std::nullopt;
        ++tries;
        f.clock.sleep_for(std::chrono::seconds(30));
        return Error{ErrorKind::kForbidden, "exceeded quota", "", 403, "Forbidden"};
    };
    CHECK(f.run().status.error().kind == ErrorKind::kForbidden);
    CHECK(tries > 10);
    CHECK(f.clock.steady_now() - begin < f.limits.stall + std::chrono::seconds(65));
}

TEST_CASE("a signal ends the asking for an eviction") {
    ExecutorScene f;
    put_pod(f);
    int refusals = 1000000;
    put_budget(f, refusals);
    const auto before = f.cluster.fault;
    f.cluster.fault = [&](const std::string& call, bool after) {
        if (refusals < 1000000 - 2) f.signals.number = 1;
        return before(call, after);
    };
    CHECK(f.run().status.error().kind == ErrorKind::kInterrupted);
}
