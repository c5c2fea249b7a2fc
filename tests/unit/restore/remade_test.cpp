// What becomes of a swap when somebody deletes one of its claims, or builds the claim's replica anew.
#include "common/kube/objects/workload.h"
#include "plugins/restore/swap_plan.h"
#include "swap_scene.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using restore::Stage;
using testing::has;
using testing::kOperationId;
using testing::staged;

namespace {

// kubectl delete pvc/data-db-0 pod/db-0: the StatefulSet's controller has made both again.
void rebuild(testing::Staged& at) {
    at.facts.claims["data-db-0"] = testing::live_claim("data-db-0", "theirs", "uid-theirs");
    at.facts.volumes["old-0"]["status"]["phase"] = "Released";
}

}  // namespace

TEST_CASE("a claim that was built anew before the swap is nobody's to delete: abort takes back the rest") {
    for (const Stage stage : {Stage::kSecure, Stage::kStop, Stage::kDrain}) {
        auto at = staged(stage);
        rebuild(at);
        CHECK(restore::remade(at.record.swaps[0], at.record, at.facts));
        CHECK_FALSE(restore::beyond_return(at.record, at.facts, kOperationId));
        const auto back = restore::plan_back(at.record, at.facts, kOperationId);
        REQUIRE(back.ok());
        CHECK(has(*back, "discard-new-0"));
        CHECK(has(*back, "discard-new-1"));
        CHECK_FALSE(has(*back, "restore-old-0"));
        CHECK(has(*back, "restore-old-1") == (stage != Stage::kSecure));
        CHECK(has(*back, "let-go-old-0") == (stage != Stage::kSecure));
        CHECK(has(*back, "start") == (stage == Stage::kDrain));
    }
}

TEST_CASE("abort leaves a claim that somebody deletes while its pod runs, and its volume under Retain") {
    for (const Stage stage : {Stage::kSecure, Stage::kStop}) {
        auto at = staged(stage);
        at.facts.pods = {testing::live_pod(0), testing::live_pod(1)};
        at.facts.claims["data-db-0"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
        CHECK_FALSE(restore::beyond_return(at.record, at.facts, kOperationId));
        const auto back = restore::plan_back(at.record, at.facts, kOperationId);
        REQUIRE(back.ok());
        CHECK_FALSE(has(*back, "restore-old-0"));
        CHECK(has(*back, "let-go-old-0") == (stage != Stage::kSecure));
        CHECK(has(*back, "restore-old-1") == (stage != Stage::kSecure));
    }
    auto gone = staged(Stage::kStop);
    gone.facts.claims.erase("data-db-0");
    CHECK_FALSE(restore::plan_back(gone.record, gone.facts, kOperationId).ok());
    gone.facts.volumes.erase("old-0");  // there is nothing left to be careful of
    CHECK(restore::plan_back(gone.record, gone.facts, kOperationId).ok());
}

TEST_CASE(
    "abort goes on where somebody lets a replica be built anew on a volume that was still reserved for its name") {
    auto at = staged(Stage::kFinish);
    at.facts.claims["data-db-1"] = testing::live_claim("data-db-1", "old-1", "uid-claim-1");
    at.record.incoming.erase("data-db-1");  // given up already
    at.facts.volumes.erase("new-1");
    CHECK(restore::half_back(at.record, at.facts));
    CHECK_FALSE(restore::beyond_return(at.record, at.facts, kOperationId));
    const auto back = restore::plan_back(at.record, at.facts, kOperationId);
    REQUIRE(back.ok());
    CHECK(has(*back, "let-go-new-0"));
    CHECK(has(*back, "let-go-old-0"));
    CHECK_FALSE(has(*back, "discard-new-0"));
    CHECK(has(*back, "restore-old-1"));
}

TEST_CASE("before the swap abort is refused while a claim goes, and says so; after it, that there is no way back") {
    auto at = staged(Stage::kSecure);
    at.facts.pods.clear();
    at.facts.claims["data-db-0"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    const auto before = restore::plan_back(at.record, at.facts, kOperationId);
    REQUIRE_FALSE(before.ok());
    CHECK(before.error().kind == ErrorKind::kRefused);
    CHECK(before.error().message == std::string(kOperationId) +
                                        " is not taken back while pvc/shop/data-db-0 goes, which somebody has deleted: "
                                        "under its old reclaim policy pv/old-0 could go with it; nothing was changed");
    at = staged(Stage::kReplace);
    at.facts.claims.erase("data-db-0");
    const auto after = restore::plan_back(at.record, at.facts, kOperationId);
    REQUIRE_FALSE(after.ok());
    CHECK(after.error().message.find("past its point of no return: pvc/shop/data-db-0") != std::string::npos);
}

TEST_CASE("R13: a workload that was stopped and one of whose claims was built anew is started again") {
    auto at = staged(Stage::kDrain);
    rebuild(at);
    const plan::Plan service = restore::plan_service(at.record, at.facts, kOperationId);
    CHECK(has(service, "start"));
    CHECK_FALSE(has(service, "delete-data-db-1"));
}

TEST_CASE("R9: the new volume of a claim that somebody is deleting is reserved like the others") {
    auto at = staged(Stage::kReserve);
    at.facts.claims["data-db-0"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReserve);
    CHECK(has(restore::plan_swap(Stage::kReserve, at.record, at.facts, kOperationId).value(), "reserve-data-db-0"));
    at = staged(Stage::kReserve);
    at.facts.claims.erase("data-db-0");
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReserve);
}

TEST_CASE("R9: a volume that was released by its new claim's deletion is reserved again") {
    auto at = staged(Stage::kReplace);
    at.facts.claims.erase("data-db-0");
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReplace);
    at.facts.volumes["new-0"]["spec"]["claimRef"]["uid"] = "uid-renewed-0";
    at.facts.volumes["new-0"]["status"]["phase"] = "Bound";  // its controller has not seen it yet
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReplace);
    at.facts.volumes["new-0"]["status"]["phase"] = "Released";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReserve);
    const plan::Plan plan = restore::plan_swap(Stage::kReserve, at.record, at.facts, kOperationId).value();
    CHECK(has(plan, "reserve-data-db-0"));
    CHECK_FALSE(has(plan, "reserve-data-db-1"));
    CHECK(has(restore::plan_service(at.record, at.facts, kOperationId), "reserve-data-db-0"));
}

TEST_CASE("what is done to a claim after the swap ends the operation, and its volume stays under Retain") {
    auto at = staged(Stage::kFinish);
    at.facts.pods = {testing::live_pod(0), testing::live_pod(1)};
    at.facts.claims["data-db-0"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    for (const bool rebuilt : {false, true}) {
        if (rebuilt) rebuild(at);
        CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kFinish);
        CHECK(restore::over(at.record, at.facts));
        const plan::Plan plan = restore::plan_swap(Stage::kFinish, at.record, at.facts, kOperationId).value();
        CHECK(has(plan, "let-go-new-0"));
        CHECK_FALSE(has(plan, "settle-new-0"));
        CHECK(has(plan, "settle-new-1"));
        CHECK_FALSE(restore::plan_back(at.record, at.facts, kOperationId).ok());
    }
}

TEST_CASE("a claim that went before its pod was started is made again while its volume is ours") {
    auto at = staged(Stage::kFinish);
    at.facts.claims["data-db-0"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    at.facts.pods.clear();
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kStop);
    at.facts.claims.erase("data-db-0");
    at.facts.volumes["new-0"]["status"]["phase"] = "Released";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kStop);
    at.facts.volumes["new-0"]["metadata"].erase("annotations");  // settled
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kFinish);
}
