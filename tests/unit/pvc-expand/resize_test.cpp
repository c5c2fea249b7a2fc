#include "common/kube/objects/resize.h"

#include "common/plan/observe.h"
#include "plugins/pvc-expand/recover.h"
#include "plugins/pvc-expand/usage.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::testing::growing;  // NOLINT
using plan::Verdict;

namespace {

Json with_status(const std::string& status, const std::string& condition = "", const std::string& message = "") {
    Json made = claim(0, "20Gi", "10Gi");
    made["status"]["allocatedResources"] = {{"storage", "20Gi"}};
    if (!status.empty()) made["status"]["allocatedResourceStatuses"] = {{"storage", status}};
    if (!condition.empty())
        made["status"]["conditions"] = Json::array({{{"type", "Resizing"}, {"status", "True"}},
                                                    {{"type", condition}, {"status", "True"}, {"message", message}}});
    return made;
}

Verdict seen(const Json& claim, bool node_may_wait = false) {
    return plan::observe_resized(&claim, "20Gi", node_may_wait);
}

}  // namespace

TEST_CASE("only capacity ends the wait, whatever else stands there") {
    Json done = with_status("NodeResizePending", "FileSystemResizePending");
    done["status"]["capacity"]["storage"] = "21Gi";
    CHECK(seen(done).state == Verdict::State::kDone);
}

TEST_CASE("what the storage refuses for good has failed, in old words and new, with what the driver said") {
    for (const char* status :
         {"ControllerResizeInfeasible", "NodeResizeInfeasible", "ControllerResizeFailed", "NodeResizeFailed"}) {
        CAPTURE(status);
        const Verdict verdict = seen(with_status(status, "ControllerResizeError", "no room"));
        CHECK(verdict.state == Verdict::State::kFailed);
        CHECK(verdict.kind == ErrorKind::kUnavailable);
        CHECK(verdict.detail.find("no room") != std::string::npos);
    }
}

TEST_CASE("a refusal of another size says nothing about this one") {
    Json before = with_status("ControllerResizeInfeasible");
    before["status"]["allocatedResources"]["storage"] = "2Ti";
    CHECK(seen(before).state == Verdict::State::kWaiting);
}

TEST_CASE("waiting for a node is told before Resizing, which stays beside it, and is enough without a pod") {
    const Json waiting = with_status("NodeResizePending", "FileSystemResizePending");
    CHECK(seen(waiting).detail.find("grows on the node of a pod that mounts it") != std::string::npos);
    CHECK(seen(waiting, true).state == Verdict::State::kDone);
}

TEST_CASE("an error that may pass, progress and words that nobody knows are waited on") {
    const Verdict later = seen(with_status("ControllerResizeInProgress", "ControllerResizeError", "try in 6 hours"));
    CHECK(later.state == Verdict::State::kWaiting);
    CHECK(later.detail.find("an error that may pass: try in 6 hours") != std::string::npos);
    for (const char* status : {"ControllerResizeInProgress", "SomethingNew"}) {
        CHECK(seen(with_status(status)).state == Verdict::State::kWaiting);
        CHECK(seen(with_status(status)).detail.find("the storage is at it") != std::string::npos);
    }
    CHECK(seen(with_status("")).detail.find("no resizer has taken it up") != std::string::npos);
}

TEST_CASE("recover: just above what the claim has, or the size that is given") {
    expand::ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = with_status("ControllerResizeInfeasible");
    expand::find_places(made);
    const auto least = choose_recovery(options(""), made);
    REQUIRE(least.ok());
    REQUIRE(least->claims.size() == 1);
    CHECK(least->claims.front().to == "10241Mi");
    CHECK(choose_recovery(options("15Gi"), made)->claims.front().to == "15Gi");
    for (const char* size : {"10Gi", "20Gi", "30Gi"}) CHECK_FALSE(choose_recovery(options(size), made).ok());
}

TEST_CASE("recover: before a final error asking for less has no effect, and is refused") {
    expand::ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = with_status("ControllerResizeInProgress");
    expand::find_places(made);
    const auto choice = choose_recovery(options(""), made);
    REQUIRE_FALSE(choice.ok());
    CHECK(choice.error().kind == ErrorKind::kRefused);
}

TEST_CASE("recover: an operator's claim is left to it") {
    expand::ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = with_status("ControllerResizeInfeasible");
    made.sets[0]["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "rabbitmq.com/v1beta1"},
                                                                {"kind", "RabbitmqCluster"},
                                                                {"name", "q"},
                                                                {"uid", "u"},
                                                                {"controller", true}}});
    expand::find_places(made);
    const auto choice = choose_recovery(options(""), made);
    REQUIRE_FALSE(choice.ok());
    CHECK(choice.error().message.find("sts/shop/db is owned by RabbitmqCluster/q") != std::string::npos);
}

TEST_CASE("recover: right after a recovery nothing is left to be done, and that is told") {
    expand::ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = with_status("NodeResizePending");
    expand::find_places(made);
    for (const char* size : {"", "20Gi", "30Gi"}) {
        const auto choice = choose_recovery(options(size), made);
        REQUIRE(choice.ok());
        CHECK(choice->claims.empty());
        REQUIRE(choice->notes.size() == 1);
        CHECK(choice->notes[0].find("has been given the 20Gi that it asks for; its filesystem grows on the node") !=
              std::string::npos);
    }
    CHECK_FALSE(choose_recovery(options("15Gi"), made).ok());  // for less it could only ask after a refusal
}

TEST_CASE("recover: a status that was never closed is closed") {
    expand::ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = claim(0);
    made.claims["data-db-0"]["status"]["allocatedResources"] = {{"storage", "10Gi"}};
    made.claims["data-db-0"]["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    expand::find_places(made);
    const auto choice = choose_recovery(options(""), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->claims.size() == 1);
    CHECK(choice->claims.front().to.empty());
}

TEST_CASE("--until-usage counts what a filesystem keeps for itself: afterwards usage shows what was asked for") {
    constexpr long long kMi = 1024 * 1024;
    expand::ClaimUsage usage;
    usage.used_bytes = 60 * kMi;
    usage.free_bytes = 240 * kMi;
    CHECK(expand::used_of_volume(usage, claim(0, "320Mi")) == 64 * kMi);  // of 320Mi 300Mi can be filled
    CHECK(expand::used_of_volume(usage, claim(0, "200Mi")) ==
          60 * kMi);  // another filesystem than the claim's own is behind it
    usage.free_bytes = -1;
    CHECK(expand::used_of_volume(usage, claim(0, "320Mi")) == 60 * kMi);
}

TEST_CASE("what df printed is read by its numbers; a path may hold spaces") {
    expand::ClaimUsage asked;
    asked.claim = "data";
    const std::string text =
        "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/loop1 1000 400 500 45% /my data\n";
    const auto bytes = expand::parse_df(text, {asked}, false);
    CHECK(bytes[0].capacity_bytes == 1024000);
    CHECK(bytes[0].used_bytes == 409600);
    CHECK(bytes[0].percent() == 45);
    CHECK(expand::parse_df("nonsense\n", {asked}, false)[0].problem == "df printed what cannot be read");
}
