#include "tests/traces/compare.h"

#include <doctest/doctest.h>

using namespace holdfast;
using traces::Comparison;
using traces::Event;
using traces::Trace;

namespace {

Trace trace(std::vector<Event> events) { return {{}, {{"kubectl delete pod/a", std::move(events)}}}; }

const Event kPodGoing{"pod/a", "Running deleting"}, kPodGone{"pod/a", "gone"}, kClaimGoing{"claim/b", "Bound deleting"},
    kClaimGone{"claim/b", "gone"};

bool satisfied(const Trace& recorded, const std::vector<Trace>& runs) {
    Comparison comparison(recorded);
    for (const Trace& run : runs) comparison.add(run);
    CHECK(comparison.satisfied() == comparison.problems().empty());
    return comparison.satisfied();
}

}  // namespace

TEST_SUITE("traces: compare") {
    TEST_CASE("the recorded order itself is enough") {
        const Trace recorded = trace({kPodGoing, kClaimGoing, kPodGone, kClaimGone});
        CHECK(satisfied(recorded, {recorded}));
    }

    TEST_CASE("a state that an object never had, or one too many, is a difference") {
        const Trace recorded = trace({kPodGoing, kPodGone});
        CHECK_FALSE(satisfied(recorded, {trace({kPodGone})}));
        CHECK_FALSE(satisfied(recorded, {trace({kPodGoing, {"pod/a", "Failed deleting"}, kPodGone})}));
        CHECK_FALSE(satisfied(recorded, {trace({kPodGone, kPodGoing})}));
        CHECK_FALSE(satisfied(recorded, {trace({{"pod/a", "Running ready deleting"}, kPodGone})}));
    }

    TEST_CASE("an order of two objects that no run has is a difference") {
        const Trace recorded = trace({kPodGoing, kClaimGone, kPodGone});
        CHECK_FALSE(satisfied(recorded, {trace({kPodGoing, kPodGone, kClaimGone})}));
        CHECK(satisfied(recorded, {trace({kPodGoing, kPodGone, kClaimGone}), recorded}));
    }

    TEST_CASE("the orders of different pairs may come from different runs") {
        const Event c{"pod/c", "gone"};
        const Trace recorded = trace({kPodGone, kClaimGone, c});
        CHECK(satisfied(recorded, {trace({kPodGone, c, kClaimGone}), trace({kClaimGone, kPodGone, c}),
                                   trace({c, kPodGone, kClaimGone}), trace({kClaimGone, c, kPodGone})}));
    }

    TEST_CASE("an object that only the simulator changes is a difference, unless some run does not") {
        const Trace recorded = trace({kPodGone});
        CHECK_FALSE(satisfied(recorded, {trace({kPodGone, kClaimGone})}));
        CHECK(satisfied(recorded, {trace({kPodGone, kClaimGone}), trace({kPodGone})}));
    }

    TEST_CASE("a run that stops half-way is told") { CHECK_FALSE(satisfied(trace({}), {Trace()})); }

    TEST_CASE("a run in which one object differs tells nothing of the order of the two") {
        const Trace recorded = trace({kPodGoing, kClaimGone, kPodGone});
        CHECK_FALSE(satisfied(recorded, {trace({kPodGoing, kPodGone, kClaimGone}), trace({kClaimGone, kPodGone})}));
    }

    TEST_CASE("without a run nothing is satisfied") { CHECK_FALSE(satisfied(trace({kPodGone}), {})); }
}
