#include "plugins/pvc-expand/rounds.h"

#include "plugins/pvc-expand/report.h"
#include "tests/golden/golden.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

void check_golden(const std::string& name, const plan::Plan& plan) {
    golden::check("pvc-expand/" + name + ".json", plan::to_json(plan).dump(2) + "\n");
}

}  // namespace

TEST_CASE("claims first: each by the version that was read, the first marked with all that the journal says") {
    const ExpandRecord made = record();
    const ExpandState at = state();
    CHECK(stage_of(made, at, kId) == Stage::kGrow);
    check_golden("grow", planned(Stage::kGrow, made, at));
}

TEST_CASE("the set is replaced only when every claim has its capacity") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.claims["data-db-0"]["status"]["capacity"]["storage"] = "10Gi";
    CHECK(stage_of(made, at, kId) == Stage::kGrow);
    CHECK(stage_of(made, grown_state(), kId) == Stage::kSwap);
}

TEST_CASE("a claim never asks for less than somebody else has made it ask for meanwhile") {
    const ExpandRecord made = record();
    ExpandState at = state();
    at.claims["data-db-0"] = claim(0, "40Gi", "10Gi");
    for (const plan::Step& step : planned(Stage::kGrow, made, at).steps) CHECK(step.id != "grow-data-db-0");
}

TEST_CASE("claims that belong to the set are let go before it is deleted") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete";
    at.claims["data-db-0"]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}});
    CHECK(stage_of(made, at, kId) == Stage::kRelease);
    check_golden("release", planned(Stage::kRelease, made, at));
}

TEST_CASE("the set is deleted by uid and version, its pods left, and made anew as it is now") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["replicas"] = 5;  // an autoscaler since the plan
    const plan::Plan plan = planned(Stage::kSwap, made, at);
    CHECK(plan.shielded);
    CHECK(plan.latest["swapped"]["db"]["set"]["spec"]["replicas"] == 5);
    check_golden("swap", plan);
}

TEST_CASE("a set that was made a moment ago is not deleted before the garbage collector has seen its pods") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["creationTimestamp"] = "2026-11-21T05:12:08Z";
    CHECK(planned(Stage::kSwap, made, at).steps.front().pause == std::chrono::milliseconds(7000));
    CHECK(planned(Stage::kSwap, made, grown_state()).steps.front().pause == std::chrono::milliseconds(0));
}

TEST_CASE("of several sets that were made a moment ago the garbage collector is waited for once") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["creationTimestamp"] = "2026-11-21T05:12:08Z";
    made.sets.push_back(made.sets.front());
    made.sets.back().ref.name = "ledger";
    at.sets["ledger"] = at.sets["db"];
    at.sets["ledger"]["metadata"]["creationTimestamp"] = "2026-11-21T05:12:09Z";
    std::chrono::milliseconds waited{0};
    for (const plan::Step& step : planned(Stage::kSwap, made, at).steps) waited += step.pause;
    CHECK(waited == std::chrono::milliseconds(8000));
}

TEST_CASE("a set that we deleted and that is missing is made first of all") {
    ExpandRecord made = record();
    ExpandState at = state();  // the claims have not even grown
    made.swapped["db"] = swapped_json(set(3), {});
    at.sets.clear();
    CHECK(stage_of(made, at, kId) == Stage::kSwap);
    const plan::Plan service = plan_service(made, at, kId);
    REQUIRE(service.steps.size() == 1);
    const auto& create = std::get<plan::Create>(service.steps[0].action);
    CHECK(create.manifest["spec"]["replicas"] == 3);
    CHECK(create.insists);
}

TEST_CASE("one that somebody else deleted is not made again") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets.clear();
    const auto plan = plan_round(Stage::kSwap, made, at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(plan_service(made, at, kId).steps.empty());
}

TEST_CASE("one that somebody else made anew is taken if it is the same, and left alone if it is not") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["uid"] = "uid-theirs";
    CHECK(plan_round(Stage::kSwap, made, at, kId, now()).ok());
    at.sets["db"]["spec"]["serviceName"] = "other";
    const auto plan = plan_round(Stage::kSwap, made, at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().message.find("spec.serviceName is not what it was") != std::string::npos);
}

TEST_CASE("a rollout that began meanwhile is not cut") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["status"]["updateRevision"] = "db-2";
    const auto plan = plan_round(Stage::kSwap, made, at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
}

TEST_CASE("a set that somebody holds or owns by now is not deleted: it would not go, or not come again") {
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["finalizers"] = {"example.com/hold"};
    const auto held = plan_round(Stage::kSwap, record(), at, kId, now());
    REQUIRE_FALSE(held.ok());
    CHECK(held.error().kind == ErrorKind::kConflict);
    CHECK(held.error().message.find("has got the finalizer example.com/hold") != std::string::npos);
    at = grown_state();
    at.sets["db"]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "Cluster"}, {"name", "db"}, {"uid", "1"}, {"controller", true}}});
    const auto owned = plan_round(Stage::kSwap, record(), at, kId, now());
    REQUIRE_FALSE(owned.ok());
    CHECK(owned.error().message.find("is owned by Cluster/db by now") != std::string::npos);
}

TEST_CASE("a set whose controller has not seen its last change is not deleted yet") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["generation"] = 4;
    const plan::Plan plan = planned(Stage::kSwap, made, at);
    REQUIRE(plan.steps.size() == 1);
    const auto& wait = std::get<plan::WaitFor>(plan.steps[0].action);
    CHECK(wait.condition == plan::Condition::kObserved);
    CHECK(wait.generation == 4);
    CHECK_FALSE(plan.last);
}

TEST_CASE("what is missing is made anew also while another set's controller is slow, which is left for later") {
    ExpandRecord made = record();
    made.sets.push_back(made.sets[0]);
    made.sets[1].ref.name = "other";
    made.swapped["other"] = swapped_json(set(), {});
    ExpandState at = grown_state();
    at.sets["db"]["metadata"]["generation"] = 4;
    const plan::Plan plan = planned(Stage::kSwap, made, at);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].id == "remake-other");
}

TEST_CASE("nor is one of which a pod is at another revision, as a partition keeps it") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.pods[0]["metadata"]["labels"]["controller-revision-hash"] = "db-0";
    const auto plan = plan_round(Stage::kSwap, made, at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().message.find("a rollout began meanwhile") != std::string::npos);
}

TEST_CASE("the deletion leaves the pods and names what was read") {
    const plan::Plan plan = planned(Stage::kSwap, record(), grown_state());
    const auto& gone = std::get<plan::Delete>(plan.steps[0].action);
    CHECK(gone.propagation == kube::Propagation::kOrphan);
    CHECK(gone.preconditions.uid == "uid-db");
    CHECK(gone.preconditions.resource_version == "40");
    CHECK(gone.wait);
    CHECK(std::get<plan::Create>(plan.steps[1].action).insists);
}

TEST_CASE(
    "a claim whose replica was scaled away while it grew grows at its next mount; one that has a pod is waited for") {
    ExpandRecord made = record();
    ExpandState at = state();
    at.claims["data-db-1"] = claim(1, "20Gi", "10Gi");
    at.claims["data-db-1"]["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    at.claims["data-db-0"] = claim(0, "20Gi");
    at.pods.pop_back();
    follow_mounts(made, at);
    CHECK(stage_of(made, at, kId) == Stage::kGrow);  // in range: its pod comes again
    at.sets["db"]["spec"]["replicas"] = 1;
    follow_mounts(made, at);
    CHECK_FALSE(made.claims[0].mounted);
    CHECK(made.claims[1].mounted);
    CHECK(stage_of(made, at, kId) != Stage::kGrow);
}

TEST_CASE("a claim that lost its pod since the plan is let go by us, given back at the end, and kept in the journal") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["replicas"] = 1;
    at.sets["db"]["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete";
    at.claims["data-db-1"]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}});
    at.pods.pop_back();
    follow_lent(made, at);
    const plan::Plan plan = planned(Stage::kRelease, made, at);
    CHECK(plan.steps.back().id == "disown-data-db-1");
    Json journal = record_json(record());
    journal.update(plan.latest);
    CHECK(record_of(journal, "shop")->sets[0].lent == std::vector<std::string>{"data-db-1"});
}

TEST_CASE("pods and claims that name a set of that name which is gone are taken off it, or they are garbage") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.pods[0] = pod(0, "uid-of-one-in-between");
    at.claims["data-db-0"]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}});
    const plan::Plan plan = planned(Stage::kAdopt, made, at);
    CHECK(plan.steps[0].id == "strip-db-0");
    CHECK(plan.steps[1].id == "strip-db-1");
    CHECK(plan.steps[2].id == "strip-claim-data-db-0");
    at.sets["db"]["metadata"]["annotations"].erase(labels::kRemade);
    at.pods = {pod(0, "uid-new"), pod(1, "uid-new")};
    CHECK(stage_of(made, at, kId) == Stage::kAdopt);
}

namespace {

Result<plan::Report> reported(const ExpandRecord& made, ExpandState at, const std::string& revision) {
    at.sets["db"]["status"]["updateRevision"] = revision;
    at.pods = {pod(0, "uid-new"), pod(1, "uid-new")};
    return proven_report(options(), made, at, {}, kId);
}

}  // namespace

TEST_CASE("the revision is compared with that of just before the deletion, not with that of hours ago") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.sets["db"]["metadata"]["generation"] = 1;
    Json before = set();
    before["status"]["updateRevision"] = "db-2";  // its owner has rolled it out while claims grew
    made.swapped["db"] = swapped_json(before, {});
    CHECK(reported(made, at, "db-2").ok());
    CHECK_FALSE(reported(made, at, "db-1").ok());
    at.sets["db"]["metadata"]["generation"] = 2;  // and again since then
    CHECK(reported(made, at, "db-3").ok());
}

TEST_CASE("a new replica's claim that is not bound yet has not grown, and that is no good end") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.sets["db"]["spec"]["replicas"] = 3;
    at.claims["data-db-2"] = claim(2);
    at.claims["data-db-2"]["status"] = {{"phase", "Pending"}};
    const auto report = reported(made, at, "db-1");
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().message.find("pvc/shop/data-db-2 was made meanwhile, with 10Gi") != std::string::npos);
}

TEST_CASE("the new set is waited for until it has the pods, and fields go back to those who owned them") {
    ExpandRecord made = record();
    made.swapped["db"] = swapped_json(set(), {pod(0), pod(1)});
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.pods[0]["metadata"].erase("ownerReferences");
    CHECK(stage_of(made, at, kId) == Stage::kAdopt);
    check_golden("adopt", planned(Stage::kAdopt, made, at));
}

TEST_CASE("a new set without pods is waited for until its controller has seen it: then the revisions are its own") {
    ExpandRecord made = record();
    made.swapped["db"] = swapped_json(set(), {});
    ExpandState at = grown_state();
    at.pods.clear();
    at.sets["db"] = remade();
    at.sets["db"]["status"]["observedGeneration"] = 0;
    const plan::Plan plan = planned(Stage::kAdopt, made, at);
    const auto* wait = std::get_if<plan::WaitFor>(&plan.steps.front().action);
    REQUIRE(wait != nullptr);
    CHECK(wait->condition == plan::Condition::kObserved);
    CHECK(wait->names == std::vector<std::string>{"db"});
    CHECK(plan.steps.back().after == std::vector<std::string>{plan.steps.front().id});
    at.sets["db"]["status"]["observedGeneration"] = 3;
    CHECK(planned(Stage::kAdopt, made, at).steps.size() == 1);
}

TEST_CASE(
    "one without pods that somebody else made anew is waited for, too, before it is looked at for the last time") {
    ExpandRecord made = record();
    made.swapped["db"] = swapped_json(set(), {});
    ExpandState at = grown_state();
    at.pods.clear();
    at.sets["db"] = remade();
    at.sets["db"]["metadata"]["annotations"].erase(labels::kRemade);
    at.sets["db"].erase("status");
    CHECK(stage_of(made, at, kId) == Stage::kAdopt);
    const plan::Plan plan = planned(Stage::kAdopt, made, at);
    REQUIRE(plan.steps.size() == 1);
    CHECK(std::get<plan::WaitFor>(plan.steps.front().action).condition == plan::Condition::kObserved);
    at.sets["db"]["status"]["observedGeneration"] = 3;
    CHECK(stage_of(made, at, kId) == Stage::kClose);
}

TEST_CASE("the mark goes last, and then nothing is left to do") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.sets["db"]["metadata"]["annotations"].erase(labels::kRemade);
    for (Json& one : at.pods) one["metadata"]["ownerReferences"][0]["uid"] = "uid-new";
    CHECK(stage_of(made, at, kId) == Stage::kClose);
    check_golden("close", planned(Stage::kClose, made, at));
    CHECK(planned(Stage::kClose, made, at).last);
}

TEST_CASE("a claim that somebody deletes is not taken for grown, and nothing is replaced without it") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.going.insert(at.claims.extract("data-db-0"));
    for (const Stage stage : {Stage::kSecure, Stage::kStop, Stage::kDrain, Stage::kGrow, Stage::kRestart,
                              Stage::kRelease, Stage::kSwap, Stage::kClose}) {
        CAPTURE(static_cast<int>(stage));
        const auto plan = plan_round(stage, made, at, kId, now());
        REQUIRE_FALSE(plan.ok());
        CHECK(plan.error().kind == ErrorKind::kConflict);
        CHECK(plan.error().message ==
              "pvc/shop/data-db-0 was deleted meanwhile by somebody else: it goes when the last pod that mounts it "
              "ends, and its data unless the volume is under Retain; no StatefulSet was replaced");
        CHECK(plan.error().hint ==
              "copy its data out of that pod before it ends, if it is needed; once a new claim is in its place, the "
              "same command again grows that; to end this operation: kubectl pvc-expand abort " +
                  kId + " -n shop");
    }
    at.going.clear();
    const auto gone = plan_round(Stage::kSwap, made, at, kId, now());
    REQUIRE_FALSE(gone.ok());
    CHECK(
        gone.error().message ==
        "pvc/shop/data-db-0 was deleted meanwhile by somebody else: it is gone, and its data with it unless its volume "
        "is under Retain; no StatefulSet was replaced");
    CHECK(
        gone.error().hint ==
        "`kubectl get pv` shows a volume that is kept as Released, with shop/data-db-0 as its claim; once a new claim "
        "is in its place, the same command again grows that; to end this operation: kubectl pvc-expand abort " +
            kId + " -n shop");
}

TEST_CASE("a claim that is deleted once its set was replaced: the set gets all that is its, and the end is told") {
    ExpandRecord made = record();
    made.swapped["db"] = swapped_json(set(), {pod(0), pod(1)});
    ExpandState at = grown_state();
    at.going.insert(at.claims.extract("data-db-0"));
    at.sets.clear();
    CHECK(planned(Stage::kSwap, made, at).steps.front().id == "remake-db");
    at.sets["db"] = remade();
    CHECK_FALSE(planned(Stage::kAdopt, made, at).steps.empty());
    const auto closed = plan_round(Stage::kClose, made, at, kId, now());
    REQUIRE_FALSE(closed.ok());
    CHECK(closed.error().message.find("; all else is done") != std::string::npos);
    const auto report = reported(made, at, "db-1");
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().message == closed.error().message);
}

TEST_CASE("a claim that goes with a replica that was scaled away keeps nothing, and is not printed as grown") {
    const ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["replicas"] = 1;
    at.going.insert(at.claims.extract("data-db-1"));
    at.pods.pop_back();
    CHECK(plan_round(Stage::kSwap, made, at, kId, now()).ok());
    at.sets["db"] = remade();
    at.sets["db"]["spec"]["replicas"] = 1;
    at.pods[0]["metadata"]["ownerReferences"][0]["uid"] = "uid-new";
    const auto report = reported(made, at, "db-1");
    REQUIRE(report.ok());
    CHECK(report->text.find("pvc/data-db-1: was deleted meanwhile, its replica was scaled away\n") !=
          std::string::npos);
    CHECK(report->json["claims"].size() == 1);
    CHECK(report->names == std::vector<std::string>{"persistentvolumeclaim/data-db-0", "statefulset.apps/db"});
}

TEST_CASE("a new replica's claim, made of the old template, grows as well") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["replicas"] = 3;
    at.claims["data-db-2"] = claim(2);
    add_newcomers(made, at);
    REQUIRE(made.claims.size() == 3);
    CHECK(stage_of(made, at, kId) == Stage::kGrow);
}

TEST_CASE("a new replica's claim grows also without the set's labels, if its pod mounts it") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"]["spec"]["replicas"] = 3;
    at.claims["data-db-2"] = claim(2);
    at.claims["data-db-2"]["metadata"].erase("labels");
    add_newcomers(made, at);
    CHECK(made.claims.size() == 2);
    at.pods.push_back(pod(2));
    add_newcomers(made, at);
    CHECK(made.claims.size() == 3);
}

TEST_CASE("a new replica's claim that has no volume yet is waited for before the operation ends") {
    ExpandRecord made = record();
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.sets["db"]["metadata"]["annotations"].erase(labels::kRemade);
    at.sets["db"]["spec"]["replicas"] = 3;
    for (Json& one : at.pods) one["metadata"]["ownerReferences"][0]["uid"] = "uid-new";
    at.claims["data-db-2"] = claim(2);
    at.claims["data-db-2"]["status"] = {{"phase", "Pending"}};
    add_newcomers(made, at);
    CHECK(made.claims.size() == 2);
    REQUIRE(stage_of(made, at, kId) == Stage::kNewcomers);
    const plan::Plan plan = planned(Stage::kNewcomers, made, at);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].title == "wait until the claims of new replicas are bound: data-db-2");
    CHECK(std::get<plan::WaitFor>(plan.steps[0].action).condition == plan::Condition::kClaimBound);
    CHECK_FALSE(plan.last);
    at.claims["data-db-2"] = claim(2);
    add_newcomers(made, at);
    CHECK(stage_of(made, at, kId) == Stage::kGrow);
}

TEST_CASE("pods of a set that chooses them by expressions are waited for as well") {
    ExpandRecord made = record();
    made.sets[0].manifest["spec"]["selector"] = {
        {"matchExpressions", Json::array({{{"key", "app"}, {"operator", "Exists"}}})}};
    CHECK(pods_of(made.sets[0], state()).size() == 2);
}

TEST_CASE("what is posted is the live object with the size changed, and nothing that the server sets") {
    Json live = set();
    live["metadata"]["annotations"][labels::kRetention] = "Delete/Retain";
    const Json made = kube::remade_set(live, {{"data", "20Gi"}}, kId);
    for (const char* key : {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"})
        CHECK_FALSE(made["metadata"].contains(key));
    CHECK_FALSE(made.contains("status"));
    CHECK(made["metadata"]["annotations"]["team"] == "books");
    CHECK(made["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete");
    CHECK(made["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "20Gi");
    CHECK(made["spec"]["template"] == live["spec"]["template"]);
    CHECK(kube::difference_but_size(live, made).empty());
}

TEST_CASE("what the journal keeps of an expansion comes back as it was") {
    ExpandRecord made = record();
    Json json = record_json(made);
    json[kSwapped]["db"] = swapped_json(set(), {pod(0)});
    const auto back = record_of(json, "shop");
    REQUIRE(back.ok());
    CHECK(record_json(*back) == record_json(made));
    CHECK(pods_before(back->swapped.at("db")).at("db-0").uid == "uid-pod-0");
    CHECK_FALSE(record_of(Json::object(), "shop").ok());
}

TEST_CASE("what is tried before the first write: each kind of claim, the deletion, the creation under another name") {
    const auto tried = rehearsal_of(record(), state(), kId);
    REQUIRE(tried.size() == 3);
    CHECK(tried[0].id == "try-data-db-1");
    CHECK(std::get<plan::Delete>(tried[1].action).propagation == kube::Propagation::kOrphan);
    const auto& create = std::get<plan::Create>(tried[2].action);
    CHECK(create.manifest["metadata"]["name"] == "db-holdfast-dry-run");
    for (const char* field : {"template", "volumeClaimTemplates", "replicas", "serviceName", "selector"})
        CHECK(std::count(create.must_survive.begin(), create.must_survive.end(), "/spec/" + std::string(field)) == 1);
}
