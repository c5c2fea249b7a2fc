#include "common/plan/observe.h"

#include <doctest/doctest.h>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT
using State = Verdict::State;

TEST_CASE("a snapshot is cut with creationTime and content, and ready only later") {
    const Json fresh = {{"metadata", {{"name", "s"}}}};
    CHECK(observe(Condition::kSnapshotCut, &fresh).state == State::kWaiting);
    const Json cut = {
        {"status",
         {{"boundVolumeSnapshotContentName", "c"}, {"creationTime", "2026-01-01T00:00:00Z"}, {"readyToUse", false}}}};
    CHECK(observe(Condition::kSnapshotCut, &cut).state == State::kDone);
    CHECK(observe(Condition::kSnapshotReady, &cut).state == State::kWaiting);
    Json ready = cut;
    ready["status"]["readyToUse"] = true;
    CHECK(observe(Condition::kSnapshotReady, &ready).state == State::kDone);
    ready["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    CHECK(observe(Condition::kSnapshotReady, &ready).state == State::kFailed);
}

TEST_CASE("a snapshot's error is not final, and its text cannot move the cursor") {
    const Json failing = {{"status", {{"error", {{"message", "no \x1b[31mspace"}}}}}};
    const Verdict verdict = observe(Condition::kSnapshotReady, &failing);
    CHECK(verdict.state == State::kWaiting);
    CHECK(verdict.detail == "driver says: no ^[[31mspace");
}

TEST_CASE("a claim is bound, waiting or lost") {
    auto claim = [](const char* phase) { return Json{{"status", {{"phase", phase}}}}; };
    const Json bound = claim("Bound"), pending = claim("Pending"), lost = claim("Lost");
    CHECK(observe(Condition::kClaimBound, &bound).state == State::kDone);
    CHECK(observe(Condition::kClaimBound, &pending).state == State::kWaiting);
    CHECK(observe(Condition::kClaimBound, &lost).state == State::kFailed);
    CHECK(observe(Condition::kClaimBound, nullptr).state == State::kWaiting);
}

TEST_CASE("a pod that ended never becomes ready") {
    const Json running = {
        {"status",
         {{"phase", "Running"},
          {"containerStatuses", {{{"name", "a"}, {"ready", false}, {"state", {{"running", Json::object()}}}}}}}}};
    CHECK(observe(Condition::kPodRunning, &running).state == State::kDone);
    CHECK(observe(Condition::kPodReady, &running).state == State::kWaiting);
    const Json failed = {{"status", {{"phase", "Failed"}, {"reason", "Evicted"}}}};
    CHECK(observe(Condition::kPodReady, &failed).state == State::kFailed);
    const Json pulling = {
        {"status",
         {{"phase", "Pending"},
          {"containerStatuses", {{{"name", "a"}, {"state", {{"waiting", {{"reason", "ErrImagePull"}}}}}}}}}}};
    CHECK(observe(Condition::kPodReady, &pulling).detail == "container a: ErrImagePull");
}

TEST_CASE("gone means gone") {
    const Json there = {{"metadata", {{"name", "x"}}}};
    CHECK(observe(Condition::kGone, &there).state == State::kWaiting);
    CHECK(observe(Condition::kGone, nullptr).state == State::kDone);
}

TEST_CASE("condition names go round") {
    for (const Condition condition :
         {Condition::kSnapshotCut, Condition::kGone, Condition::kResized, Condition::kContentBound}) {
        CHECK(condition_from(condition_name(condition)) == condition);
    }
    CHECK_FALSE(condition_from("nonsense").has_value());
}
