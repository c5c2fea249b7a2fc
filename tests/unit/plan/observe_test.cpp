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
    CHECK(observe(Condition::kPodStarted, &running).state == State::kDone);
    CHECK(observe(Condition::kPodStarted, &failed).state == State::kFailed);
    const Json pending = {{"status", {{"phase", "Pending"}}}}, succeeded = {{"status", {{"phase", "Succeeded"}}}};
    CHECK(observe(Condition::kPodStarted, &pending).state == State::kWaiting);
    CHECK(observe(Condition::kPodStarted, &succeeded).state == State::kDone);
    CHECK(observe(Condition::kPodRunning, &succeeded).state == State::kFailed);
    const Json ending = {{"status",
                          {{"phase", "Running"},
                           {"containerStatuses", {{{"name", "a"}, {"state", {{"terminated", {{"exitCode", 0}}}}}}}}}}};
    CHECK(observe(Condition::kPodStarted, &ending).state == State::kDone);
    CHECK(observe(Condition::kPodRunning, &ending).state == State::kWaiting);
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
    const Json held = {{"metadata",
                        {{"name", "x"},
                         {"deletionTimestamp", "2026-01-01T00:00:00Z"},
                         {"finalizers", {"kubernetes.io/pvc-protection", "backup.example/keep"}}}}};
    CHECK(observe(Condition::kGone, &held).detail == "being deleted, held by its finalizer backup.example/keep");
    Json orphaned = held;  // for a moment, as with every deletion that leaves what belongs to it
    orphaned["metadata"]["finalizers"] = {"orphan"};
    CHECK(observe(Condition::kGone, &orphaned).detail == "being deleted");
}

TEST_CASE("condition names go round") {
    for (const Condition condition :
         {Condition::kSnapshotCut, Condition::kGone, Condition::kResized, Condition::kContentBound}) {
        CHECK(condition_from(condition_name(condition)) == condition);
    }
    CHECK_FALSE(condition_from("nonsense").has_value());
}

TEST_CASE("a claim that must be bound to one volume has failed when it is bound to another") {
    const Json claim = {{"spec", {{"volumeName", "pv-new"}}}, {"status", {{"phase", "Bound"}}}};
    CHECK(observe_bound_to(&claim, "pv-new").state == State::kDone);
    CHECK(observe_bound_to(&claim, "pv-other").state == State::kFailed);
    CHECK(observe_bound_to(&claim, "pv-other").kind == ErrorKind::kConflict);
    CHECK(observe_bound_to(nullptr, "pv-new").state == State::kWaiting);
    const Json pending = {{"spec", {{"storageClassName", "fast"}}}, {"status", {{"phase", "Pending"}}}};
    CHECK(observe_bound_to(&pending, "pv-new").state == State::kWaiting);
}

TEST_CASE("a volume is available or released by its phase alone") {
    auto volume = [](const char* phase) { return Json{{"status", {{"phase", phase}}}}; };
    const Json bound = volume("Bound"), available = volume("Available"), failed = volume("Failed");
    CHECK(observe(Condition::kVolumeAvailable, &available).state == State::kDone);
    CHECK(observe(Condition::kVolumeAvailable, &bound).state == State::kWaiting);
    CHECK(observe(Condition::kVolumeReleased, &available).state == State::kWaiting);
    CHECK(observe(Condition::kVolumeAvailable, &failed).state == State::kFailed);
}

TEST_CASE("a workload is judged only once its controller has seen the change") {
    Json set = {{"metadata", {{"generation", 3}}},
                {"spec", {{"replicas", 2}}},
                {"status", {{"observedGeneration", 2}, {"replicas", 0}, {"readyReplicas", 2}}}};
    for (const Condition one : {Condition::kObserved, Condition::kNoReplicas, Condition::kAllReady})
        CHECK(observe(one, &set).state == State::kWaiting);
    set["status"]["observedGeneration"] = 3;
    for (const Condition one : {Condition::kObserved, Condition::kNoReplicas, Condition::kAllReady})
        CHECK(observe(one, &set).state == State::kDone);
    set["status"]["replicas"] = 1;
    set["status"]["readyReplicas"] = 1;
    CHECK(observe(Condition::kNoReplicas, &set).state == State::kWaiting);
    CHECK(observe(Condition::kAllReady, &set).state == State::kWaiting);
}

TEST_CASE("a claim is unowned without ownerReferences") {
    Json claim = {{"metadata", {{"name", "c"}}}};
    CHECK(observe(Condition::kUnowned, &claim).state == State::kDone);
    claim["metadata"]["ownerReferences"] = Json::array({{{"kind", "StatefulSet"}, {"name", "db"}}});
    CHECK(observe(Condition::kUnowned, &claim).state == State::kWaiting);
}
