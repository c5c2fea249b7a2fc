// What abort waits for when it has taken an operation back.
#include "common/plan/operations.h"

#include "common/kube/objects/labels.h"
#include "tests/unit/plan/drive_scene.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

Json pod(const std::string& uid) {
    return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "db-0"}, {"namespace", "n"}, {"uid", uid}}}};
}

// An operation that stopped in the middle, whose abort has nothing to take back and pods to wait for.
struct Aborting : Fixture {
    std::vector<std::string> going;  // uids of db-0, by the looks of the abort: "" and none any more: it is up
    std::size_t looks = 0;
    bool open_while_waiting = false;

    Aborting() {
        fail_at("create pvc/n/claim-1");
        CHECK_FALSE(run().status.ok());
        cluster.fault = {};
        cluster.drop(claim_ref("claim-0"));
        owner_dies();
    }
    Result<Plan> look() {
        Plan plan;
        const std::string uid = looks < going.size() ? going[looks] : "";
        ++looks;
        if (uid.empty()) return plan;
        Step step;
        step.id = "ended";
        step.title = "wait until it has ended";
        step.action = WaitFor{kube::kPods, "n", {"db-0"}, Condition::kGone, "", {}, {uid}};
        plan.awaited.push_back(step);
        return plan;
    }
    Outcome abort() {
        Journal journal = journals().at(0);
        options.limits.stall = std::chrono::milliseconds(5000);
        return take_back(
            world, journal, Plan(), [this](kube::ClusterReader&) { return look(); }, options.limits);
    }
};

}  // namespace

TEST_CASE("abort ends well only when a fresh look finds nothing to wait for any more") {
    Aborting f;
    f.going = {"a", "a", "b", "c"};  // before and after what it takes back, then after each wait
    CHECK(f.abort().status.ok());
    CHECK(f.looks == 5);
    CHECK(f.journals().empty());
}

TEST_CASE("what does not come up holds up nobody: the operation has ended, and that is told") {
    Aborting f;
    f.cluster.put(pod("a"));
    f.going = {"a", "a"};
    const Outcome outcome = f.abort();
    REQUIRE_FALSE(outcome.status.ok());
    CHECK(outcome.wrote);
    CHECK(outcome.status.error().kind == ErrorKind::kTimeout);
    CHECK(outcome.status.error().message.find("was taken back and has ended, but its workload is not up yet") !=
          std::string::npos);
    CHECK(outcome.status.error().hint.find("nothing is left to resume or to abort") == 0);
    CHECK(f.journals().empty());
}
