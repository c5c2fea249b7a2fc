// An undo whose kept volume somebody deletes in the middle of it.
#include "common/kube/objects/workload.h"
#include "plugins/restore/swap_plan.h"
#include "swap_scene.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace holdfast;
using restore::Stage;
using testing::ids;
using testing::kOperationId;

namespace {

// The same swap as an undo: what is put in was there before.
testing::Staged undoing(Stage stage) {
    testing::Staged at = testing::staged(stage);
    at.record.undoes = "in-place-db-first";
    for (restore::Swap& swap : at.record.swaps) swap.temporary.clear();
    at.facts.provers.clear();
    return at;
}

// Between the deletions and the last claim: one is on its kept volume, one waits for a volume that was deleted.
testing::Staged lost_midway() {
    testing::Staged at = undoing(Stage::kReplace);
    for (const char* number : {"0", "1"}) {
        Json& old = at.facts.volumes[std::string("old-") + number];
        old["status"]["phase"] = "Released";
        at.facts.claims[std::string("data-db-") + number] = testing::live_claim(
            std::string("data-db-") + number, std::string("new-") + number, std::string("uid-renewed-") + number);
    }
    at.facts.volumes["new-0"]["spec"]["claimRef"]["uid"] = "uid-renewed-0";
    at.facts.volumes["new-0"]["status"]["phase"] = "Bound";
    at.facts.claims["data-db-1"]["status"] = {{"phase", "Pending"}};
    at.facts.volumes.erase("new-1");
    return at;
}

const plan::Step& step(const plan::Plan& plan, const std::string& id) {
    const auto found =
        std::find_if(plan.steps.begin(), plan.steps.end(), [&](const auto& one) { return one.id == id; });
    REQUIRE(found != plan.steps.end());
    return *found;
}

// What the way back has brought about.
testing::Staged turned() {
    testing::Staged at = lost_midway();
    for (const char* number : {"0", "1"}) {
        const std::string claim = std::string("data-db-") + number, old = std::string("old-") + number;
        at.facts.claims[claim] = testing::live_claim(claim, old, "uid-again-" + claim);
        at.facts.volumes[old]["spec"]["claimRef"]["uid"] = "uid-again-" + claim;
        at.facts.volumes[old]["status"]["phase"] = "Bound";
    }
    at.facts.volumes["new-0"]["status"]["phase"] = "Released";
    (*at.facts.workload)["metadata"]["annotations"].erase(labels::kReplicas);
    (*at.facts.workload)["spec"]["replicas"] = 2;
    return at;
}

}  // namespace

TEST_CASE("R13: a kept volume that is lost after claims were deleted for it leads back to the volumes that they had") {
    const testing::Staged at = lost_midway();
    CHECK(restore::beyond_return(at.record, at.facts, kOperationId));
    CHECK(restore::lost_kept(at.record, at.facts));
    const auto back = restore::plan_return(at.record, at.facts, kOperationId);
    REQUIRE(back.has_value());
    CHECK(back->shielded);
    CHECK_FALSE(back->last);
    CHECK(ids(*back) == std::vector<std::string>{"reserve-back-data-db-0", "reserve-back-data-db-1",
                                                 "wait-reserved-back", "delete-data-db-0", "delete-data-db-1",
                                                 "create-data-db-0", "create-data-db-1", "wait-bound-back", "start"});
    // Only claims that are on, or wait for, what was to be put in.
    CHECK(std::get<plan::Delete>(step(*back, "delete-data-db-0").action).preconditions.uid == "uid-renewed-0");
    const Json made = std::get<plan::Create>(step(*back, "create-data-db-1").action).manifest;
    CHECK(kube::text_at(made, "/spec/volumeName") == "old-1");
    CHECK(kube::text_at(made, "/spec/resources/requests/storage") == "2Gi");
    const auto& bound = std::get<plan::WaitFor>(step(*back, "wait-bound-back").action);
    CHECK(bound.bound_to == std::vector<std::string>{"old-0", "old-1"});
}

TEST_CASE("the way back of an undo does only what is left of it") {
    testing::Staged at = lost_midway();
    at.facts.claims["data-db-0"] = testing::live_claim("data-db-0", "old-0", "uid-again-0");
    at.facts.volumes["old-0"]["spec"]["claimRef"]["uid"] = "uid-again-0";
    at.facts.claims.erase("data-db-1");
    at.facts.volumes["old-1"]["spec"]["claimRef"].erase("uid");
    const auto back = restore::plan_return(at.record, at.facts, kOperationId);
    REQUIRE(back.has_value());
    CHECK(ids(*back) == std::vector<std::string>{"create-data-db-1", "wait-bound-back", "start"});
}

TEST_CASE("what is somebody else's by now, or runs, is not taken back") {
    const auto possible = [](const testing::Staged& at) {
        return restore::plan_return(at.record, at.facts, kOperationId).has_value();
    };
    CHECK(possible(lost_midway()));
    auto at = lost_midway();
    at.facts.claims["data-db-1"] = testing::live_claim("data-db-1", "theirs", "uid-theirs");
    CHECK_FALSE(possible(at));
    at = lost_midway();
    at.facts.volumes.erase("old-0");
    CHECK_FALSE(possible(at));
    at = lost_midway();
    at.facts.volumes["old-0"]["spec"]["persistentVolumeReclaimPolicy"] = "Delete";
    CHECK_FALSE(possible(at));
    at = lost_midway();
    at.facts.volumes["old-1"]["spec"]["claimRef"]["name"] = "rescue";
    CHECK_FALSE(possible(at));
    at = lost_midway();
    at.facts.pods = {testing::live_pod(0)};
    CHECK_FALSE(possible(at));
    at = undoing(Stage::kReplace);  // nothing is lost
    CHECK_FALSE(possible(at));
    at = testing::staged(Stage::kReplace);  // the snapshot makes another one
    at.facts.volumes.erase("new-0");
    CHECK_FALSE(possible(at));
}

TEST_CASE("after the way back nothing is settled: abort takes the marks off and keeps what is left as before") {
    const testing::Staged at = turned();
    CHECK(restore::turned_back(at.record, at.facts));
    // Not the end of the swap, whose last step would give the kept volume that is left to the storage.
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kProve);
    CHECK_FALSE(restore::beyond_return(at.record, at.facts, kOperationId));
    const auto back = restore::plan_back(at.record, at.facts, kOperationId);
    REQUIRE(back.ok());
    const auto& kept = std::get<plan::Patch>(step(*back, "put-back-new-0").action);
    CHECK_FALSE(kept.body.dump().find("Delete") != std::string::npos);
    CHECK(kept.body["metadata"]["labels"][labels::kKept] == "in-place-db-first");
    const auto& old = std::get<plan::Patch>(step(*back, "restore-old-0").action);
    CHECK(kube::text_at(old.body, "/spec/persistentVolumeReclaimPolicy") == "Delete");
    CHECK(std::get<plan::WaitFor>(step(*back, "look-data-db-0").action).uids ==
          std::vector<std::string>{"uid-again-data-db-0"});
    for (const char* id : {"let-go-new-0", "let-go-old-0", "start"})
        CHECK(std::none_of(back->steps.begin(), back->steps.end(), [&](const auto& one) { return one.id == id; }));
}

TEST_CASE("abort of an undo that has lost a kept volume, with claims away, says what brings service back") {
    const testing::Staged at = lost_midway();
    const auto back = restore::plan_back(at.record, at.facts, kOperationId);
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().kind == ErrorKind::kRefused);
    CHECK(back.error().hint == std::string("`kubectl restore resume ") + kOperationId +
                                   " -n shop` brings it back onto the volumes that it had, since what was to be put in "
                                   "is gone; then abort again");
}
