// Others at work while sets are replaced: pods and claims that come and go with replicas.
#include "plugins/pvc-expand/report.h"
#include "plugins/pvc-expand/rounds.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

TEST_CASE("a set of which a pod was made a moment ago is not deleted before the garbage collector knows whose it is") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.pods[1]["metadata"]["creationTimestamp"] = "2026-11-21T05:12:05Z";
    CHECK(planned(Stage::kSwap, made, at).steps.front().pause == std::chrono::milliseconds(4000));
    at.pods[1]["metadata"]["creationTimestamp"] = "2026-11-21T05:12:01Z";
    CHECK(planned(Stage::kSwap, made, at).steps.front().pause == std::chrono::milliseconds(0));
}

TEST_CASE("of several sets all that still names one which is gone is taken off it before any of them is waited for") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    made.sets.push_back(made.sets.front());
    Template& other = made.sets.back();
    other.ref.name = "ledger";
    other.manifest["metadata"]["name"] = "ledger";
    at.sets["ledger"] = remade();
    at.sets["ledger"]["metadata"]["name"] = "ledger";
    at.sets["ledger"]["metadata"]["uid"] = "uid-new-ledger";
    Json stale = pod(0);
    stale["metadata"]["name"] = "ledger-0";
    stale["metadata"]["ownerReferences"][0]["name"] = "ledger";
    at.pods = {pod(0, "uid-new"), pod(1, "uid-new"), stale};
    std::vector<std::string> ids;
    for (const plan::Step& step : planned(Stage::kAdopt, made, at).steps) ids.push_back(step.id);
    CHECK(ids ==
          std::vector<std::string>{"strip-ledger-0", "adopted-db", "adopted-ledger", "fields-db", "fields-ledger"});
}

TEST_CASE("what is told of a set is carried on by another claim when the one that bore it goes with its replica") {
    const ExpandRecord made = record(3);
    ExpandState at = state(3, "20Gi");
    at.claims["data-db-2"]["metadata"]["labels"][labels::kExpanding] = kId;
    REQUIRE(stage_of(made, at, kId) == Stage::kSwap);
    at.claims.erase("data-db-2");
    at.pods.pop_back();
    at.sets["db"]["spec"]["replicas"] = 2;
    REQUIRE(stage_of(made, at, kId) == Stage::kSecure);
    const plan::Plan plan = planned(Stage::kSecure, made, at);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].id == "mark-data-db-1");
    at.claims["data-db-1"]["metadata"]["labels"][labels::kExpanding] = kId;
    CHECK(stage_of(made, at, kId) == Stage::kSwap);
}

TEST_CASE("the report names the pods that are others than before, and those that end or are not there again yet") {
    ExpandRecord made = record(3);
    ExpandState at = state(3, "20Gi");
    at.sets["db"] = remade();
    at.sets["db"]["spec"]["replicas"] = 2;  // the third was scaled away
    at.claims.erase("data-db-2");
    made.swapped["db"] = swapped_json(set(3), at.pods);
    at.pods = {pod(0, "uid-new"), pod(1, "uid-new")};
    at.pods[0]["metadata"]["uid"] = "uid-of-the-next";
    at.pods[1]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:10Z";
    const auto report = proven_report(options(), made, at, {}, kId);
    REQUIRE(report.ok());
    const std::string by = "  not by this command, but meanwhile: ";
    CHECK(report->text.find(by + "db-0 started anew\n") != std::string::npos);
    CHECK(report->text.find(by + "db-1 ended; its StatefulSet makes it again, on the same claims\n") !=
          std::string::npos);
    CHECK(report->text.find("db-2 ended") == std::string::npos);
    CHECK(report->json["statefulSets"][0]["restarted"] == Json::array({"db-0", "db-1"}));
}
