// What abort and a recovery do of an expansion that was stopped anywhere.
#include "plugins/pvc-expand/expand.h"
#include "plugins/pvc-expand/targets.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

Json resized(Json set, const char* size = "20Gi") {
    set["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = size;
    return set;
}

// The operation on a cluster, with the journal's record.
struct Stopped {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster{clock};
    Expand operation{options(), clock, "", [](const ExpandFacts&) { return Result<Usage>(Usage()); }};
    plan::Input input;

    // Claims of that size, asked to become 20Gi.
    explicit Stopped(const char* size = "10Gi") {
        ExpandFacts made;
        facts(made);
        for (auto& [name, one] : made.claims) one = claim(name.back() - '0', size);
        const auto choice = choose(options(), made);
        REQUIRE(choice.ok());
        input.operation = kId;
        input.resuming = true;
        input.record = record_json(choice->record);
        for (const auto& [name, one] : made.claims) cluster.put(one);
        for (const Json& one : made.pods) cluster.put(one);
    }
    void deleted() { input.record[kSwapped]["db"] = swapped_json(set(), {pod(0), pod(1)}); }
    Result<std::optional<plan::Plan>> back() { return operation.take_back(cluster, input); }
    std::vector<std::string> steps() {
        const auto plan = back();
        REQUIRE(plan.ok());
        REQUIRE(plan->has_value());
        std::vector<std::string> ids;
        for (const plan::Step& step : (*plan)->steps) ids.push_back(step.id);
        return ids;
    }
};

}  // namespace

TEST_CASE("abort in the gap is refused also where no claim was asked to grow: the set must come again") {
    Stopped at("20Gi");
    at.deleted();
    const auto plan = at.back();
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kRefused);
    CHECK(plan.error().message.find("sts/shop/db was deleted to be made anew, and is not there") != std::string::npos);
    CHECK(plan.error().hint.find("kubectl pvc-expand resume " + kId) != std::string::npos);
}

TEST_CASE("once the template has the new size there is no way back either") {
    Stopped at("20Gi");
    at.deleted();
    at.cluster.put(resized(set()));
    CHECK_FALSE(at.back().ok());
}

TEST_CASE("an abort that is granted while a set is missing makes it anew first, then gives it pods and fields") {
    Stopped at("20Gi");
    at.deleted();
    at.input.record["untold"] = 1;  // of another workload nobody knows: it cannot come to its end
    const auto first = at.back();
    REQUIRE(first.ok());
    CHECK_FALSE((*first)->last);
    CHECK(at.steps() == std::vector<std::string>{"remake-db"});
    Json remade = resized(set());
    remade["metadata"]["annotations"][labels::kRemade] = kId;
    remade["metadata"]["uid"] = "uid-new";
    at.cluster.put(remade);
    CHECK(at.steps() == std::vector<std::string>{"strip-db-0", "strip-db-1", "adopted-db", "fields-db"});
    remade["metadata"]["annotations"].erase(labels::kRemade);
    at.cluster.put(remade);
    CHECK(at.steps().empty());
    CHECK((*at.back())->last);
}

TEST_CASE("abort gives back what became of claims with their set, and claims without a pod to it") {
    Stopped at;
    Json held = set();
    held["metadata"]["annotations"][labels::kRetention] = "Delete/Retain";
    at.cluster.put(held);
    at.cluster.put(claim(5));
    at.input.record[kLent]["db"] = {"data-db-5"};
    CHECK(at.steps() == std::vector<std::string>{"restore-retention-db", "own-data-db-5"});
}

TEST_CASE(
    "an abort that is granted because a rollout has begun is still granted when it has taken its own steps back") {
    Stopped at;
    for (const int i : {0, 1}) at.cluster.put(claim(i, "20Gi"));
    Json rolling = set();
    rolling["status"]["currentRevision"] = "db-0";
    rolling["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete";  // as it was: nothing is let go
    at.cluster.put(rolling);
    CHECK(at.steps().empty());
    rolling["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Retain";
    at.cluster.put(rolling);
    CHECK(at.steps().empty());              // no claim is marked any more
    rolling["metadata"]["generation"] = 4;  // by the abort's own patch, which the controller has not seen yet
    at.cluster.put(rolling);
    CHECK(at.steps().empty());
    rolling["metadata"]["generation"] = 3;
    rolling["status"]["currentRevision"] = "db-1";
    Json marked = claim(1, "20Gi");  // not through, and nothing keeps it from its end
    marked["metadata"]["labels"][labels::kExpanding] = kId;
    at.cluster.put(marked);
    at.cluster.put(rolling);
    CHECK_FALSE(at.back().ok());
}

TEST_CASE("abort is granted where a claim was deleted meanwhile, and takes the mark off it while it goes") {
    Stopped at;
    at.cluster.put(set());
    at.cluster.put(claim(0, "20Gi", "10Gi"));
    Json going = claim(1, "20Gi", "10Gi");
    going["metadata"]["labels"][labels::kExpanding] = kId;
    at.cluster.put(going);
    CHECK_FALSE(at.back().ok());
    going["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:12Z";
    at.cluster.put(going);
    CHECK(at.steps() == std::vector<std::string>{"unmark-data-db-1"});
}

TEST_CASE("an annotation that was there before says nothing of what the owner wants") {
    Stopped at;
    Json old = set();
    old["metadata"]["annotations"][labels::kRetention] = "Delete/Delete";
    at.input.record["sets"][0]["manifest"] = old;
    at.cluster.put(old);
    CHECK(at.steps().empty());
    ExpandRecord made = record();
    made.sets[0].manifest = old;
    ExpandState grown = state(2, "20Gi");
    grown.claims["data-db-1"]["metadata"]["labels"][labels::kExpanding] = kId;
    grown.sets["db"] = old;
    const auto plan = plan_round(Stage::kSwap, made, grown, kId, now());
    REQUIRE(plan.ok());
    const Json& posted = std::get<plan::Create>(plan->steps.back().action).manifest;
    CHECK(posted["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain");
    CHECK_FALSE(posted["metadata"]["annotations"].contains(labels::kRetention));
}

TEST_CASE("a stop past the point of no return offers no abort; one before it does") {
    Stopped at;
    at.cluster.put(set());
    const Error stopped{ErrorKind::kTimeout, "no progress"};
    REQUIRE(at.operation.plan(at.cluster, at.input).ok());
    REQUIRE(at.operation.recover(at.cluster, at.input, stopped).ok());
    CHECK_FALSE(at.operation.past_return());
    at.cluster.put(claim(1, "20Gi", "10Gi"));
    REQUIRE(at.operation.recover(at.cluster, at.input, stopped).ok());
    CHECK(at.operation.past_return());
}

TEST_CASE("how long ago a set was made is not judged by a clock of ours that is ahead of the server's") {
    const auto pause = [](const char* made, const char* written) {
        Stopped at("20Gi");
        Json young = set();
        young["metadata"]["creationTimestamp"] = made;
        at.cluster.put(young);
        for (const int i : {0, 1}) {
            Json one = claim(i, "20Gi");
            one["metadata"]["labels"][labels::kExpanding] = kId;
            one["metadata"]["managedFields"] = Json::array({{{"manager", "kubectl"}, {"time", written}}});
            at.cluster.put(one);
        }
        const auto plan = at.operation.plan(at.cluster, at.input);
        REQUIRE(plan.ok());
        REQUIRE(plan->steps.front().id == "remove-db");
        return plan->steps.front().pause;
    };
    using std::chrono::milliseconds;
    const std::string ours = format_time(holdfast::testing::FakeClock().now());
    const std::string an_hour_ago = format_time(holdfast::testing::FakeClock().now() - std::chrono::hours(1));
    CHECK(pause(an_hour_ago.c_str(), ours.c_str()) == milliseconds(0));
    CHECK(pause(an_hour_ago.c_str(), an_hour_ago.c_str()) == milliseconds(10000));
    CHECK(pause("2026-11-01T00:00:00Z", an_hour_ago.c_str()) == milliseconds(0));
}

TEST_CASE("who has waited for filesystems in vain is told what --restart does") {
    Stopped at("20Gi");
    at.cluster.put(set());
    Json waiting = claim(1, "20Gi", "10Gi");
    waiting["status"]["allocatedResources"] = {{"storage", "20Gi"}};
    waiting["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    at.cluster.put(waiting);
    at.input.record["claims"] = record_json(record())["claims"];
    REQUIRE(at.operation.plan(at.cluster, at.input).ok());
    const Error in_vain{ErrorKind::kTimeout, "no progress"};
    const auto service = at.operation.recover(at.cluster, at.input, in_vain);
    REQUIRE(service.ok());
    REQUIRE(service->instead);
    CHECK(service->instead->message == "no progress");
    CHECK(service->instead->hint ==
          "where a filesystem grows only when it is mounted anew: the same command with --restart if-needed starts "
          "those pods again, one at a time");
    at.cluster.put(claim(1, "20Gi"));
    CHECK_FALSE(at.operation.recover(at.cluster, at.input, in_vain)->instead);
}

TEST_CASE("whoever cannot make the set anew is told that it is gone, what runs on, and where its manifest is") {
    Stopped at("20Gi");
    at.cluster.put(set());
    REQUIRE(at.operation.plan(at.cluster, at.input).ok());
    at.cluster.drop({kube::kStatefulSets, "shop", "db"});
    at.deleted();
    const auto service = at.operation.recover(at.cluster, at.input, {ErrorKind::kForbidden, "no"});
    REQUIRE(service.ok());
    const std::string told =
        "its pods run on, and nobody replaces one that ends; its manifest is in configmap/holdfast-op-" + kId;
    CHECK(service->left_down.find("sts/shop/db was deleted and is not made anew yet: " + told) != std::string::npos);
    at.cluster.fault = [](const std::string&, bool) {
        return Error{ErrorKind::kUnauthorized, "Unauthorized", "", 401, ""};
    };
    const auto blind = at.operation.recover(at.cluster, at.input, {ErrorKind::kUnauthorized, "Unauthorized"});
    REQUIRE_FALSE(blind.ok());
    CHECK(blind.error().message.find("sts/shop/db may be deleted and not made anew yet: " + told) != std::string::npos);
}

TEST_CASE("a Deployment is locked with whatever its claims are of") {
    Stopped at;
    at.cluster.put({{"apiVersion", "apps/v1"},
                    {"kind", "Deployment"},
                    {"metadata", {{"name", "files"}, {"namespace", "shop"}}},
                    {"spec",
                     {{"template",
                       {{"spec",
                         {{"volumes", Json::array({{{"name", "d"},
                                                    {"persistentVolumeClaim", {{"claimName", "data-db-0"}}}}})}}}}}}}});
    ExpandOptions wanted = options();
    wanted.target = kube::ObjectRef{kube::kDeployments, "shop", "files"};
    const auto locked = locked_by(at.cluster, wanted);
    REQUIRE(locked.ok());
    CHECK(*locked == std::vector<kube::ObjectRef>{*wanted.target, {kube::kClaims, "shop", "data-db-0"}});
}

TEST_CASE("a set whose owner has deleted it with its pods is not made anew, also where the journal says so") {
    Stopped at("20Gi");
    at.deleted();
    const auto told = [&] { return at.operation.plan(at.cluster, at.input); };
    REQUIRE(told().ok());
    CHECK(told()->steps.front().id == "remake-db");
    for (int i = 0; i < 2; ++i) at.cluster.drop({kube::kPods, "shop", "db-" + std::to_string(i)});
    REQUIRE_FALSE(told().ok());
    CHECK(told().error().kind == ErrorKind::kConflict);
    CHECK(told().error().message ==
          "sts/shop/db was deleted by somebody else; its manifest is in the journal of expand-db-abcde");
    CHECK(at.operation.recover(at.cluster, at.input, told().error())->steps.empty());
    CHECK(at.steps().empty());        // abort is granted
    at.cluster.put(revision(set()));  // but where only its pods have ended meanwhile
    REQUIRE(told().ok());
    CHECK(told()->steps.front().id == "remake-db");
}

TEST_CASE("who may not see revisions makes a set anew, as the journal says") {
    Stopped at("20Gi");
    at.deleted();
    for (int i = 0; i < 2; ++i) at.cluster.drop({kube::kPods, "shop", "db-" + std::to_string(i)});
    at.cluster.fault = [](const std::string& request, bool) -> std::optional<Error> {
        if (request.find("list controllerrevision") == std::string::npos) return std::nullopt;
        return Error{ErrorKind::kForbidden, "no", "", 403, ""};
    };
    const auto plan = at.operation.plan(at.cluster, at.input);
    REQUIRE(plan.ok());
    CHECK(plan->steps.front().id == "remake-db");
}

TEST_CASE("claims of a set that somebody has deleted are not asked to grow, and abort is granted") {
    Stopped at;
    REQUIRE_FALSE(at.operation.plan(at.cluster, at.input).ok());
    CHECK(at.operation.plan(at.cluster, at.input).error().message.find("sts/shop/db was deleted by somebody else") ==
          0);
    CHECK(at.steps().empty());
}
