#include "plugins/pvc-expand/rounds.h"

#include "tests/golden/golden.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT
using holdfast::testing::ids;

namespace {

const std::string kSet = "sts/shop/db";

ExpandOptions wanted_offline() {
    ExpandOptions wanted = options();
    wanted.restart = Restart::kOffline;
    return wanted;
}

void offline_facts(ExpandFacts& made, int replicas = 2) {
    facts(made, replicas);
    made.users = {{{kube::kStatefulSets, "shop", "db"}, made.sets[0], std::nullopt}};
}

Result<Choice> chosen(ExpandFacts& made, const ExpandOptions& wanted = wanted_offline()) {
    return choose(wanted, made);
}

ExpandRecord stopping() {
    ExpandFacts made;
    offline_facts(made);
    return std::move(chosen(made).value().record);
}

ExpandState up(const std::string& size = "10Gi") {
    ExpandState at = state(2, size);
    at.workloads[kSet] = at.sets["db"];
    for (auto& [name, claim] : at.claims) {
        if (name == "data-db-1") claim["metadata"]["labels"][labels::kExpanding] = kId;
    }
    return at;
}

// Stopped by this operation, and no pod left.
ExpandState down(const std::string& size = "10Gi") {
    ExpandState at = up(size);
    at.workloads[kSet]["spec"]["replicas"] = 0;
    at.workloads[kSet]["metadata"]["annotations"][labels::kReplicas] = "2";
    at.sets["db"] = at.workloads[kSet];
    at.pods.clear();
    return at;
}

// The storage has done its part.
ExpandState down_and_grown() {
    ExpandState at = down();
    for (auto& [name, claim] : at.claims) {
        claim["spec"]["resources"]["requests"]["storage"] = "20Gi";
        claim["status"]["allocatedResources"] = {{"storage", "20Gi"}};
        claim["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    }
    return at;
}

void check_golden(const std::string& name, const plan::Plan& plan) {
    golden::check("pvc-expand/" + name + ".json", plan::to_json(plan).dump(2) + "\n");
}

}  // namespace

TEST_CASE("offline: stopped, grown, started, ready, and only then the StatefulSet is replaced") {
    const ExpandRecord made = stopping();
    CHECK(stage_of(made, up(), kId) == Stage::kStop);
    ExpandState stopping_still = down();
    stopping_still.pods.push_back(pod(0));
    CHECK(stage_of(made, stopping_still, kId) == Stage::kDrain);
    CHECK(stage_of(made, down(), kId) == Stage::kGrow);
    CHECK(stage_of(made, down_and_grown(), kId) == Stage::kStart);
    ExpandState started = up("20Gi");
    started.workloads[kSet]["status"]["readyReplicas"] = 1;
    CHECK(stage_of(made, started, kId, {kStarting}) == Stage::kReady);
    started.workloads[kSet]["status"]["readyReplicas"] = 2;
    CHECK(stage_of(made, started, kId, {kStarting}) == Stage::kSwap);
}

TEST_CASE("offline: before anything is stopped the claims tell of it, and belong to nobody") {
    const ExpandRecord made = stopping();
    ExpandState at = up();
    at.claims["data-db-1"]["metadata"].erase("labels");
    at.claims["data-db-1"]["metadata"]["labels"] = {{"app", "db"}};
    at.workloads[kSet]["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", "Delete"},
                                                                          {"whenScaled", "Delete"}};
    at.claims["data-db-0"]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}}});
    CHECK(stage_of(made, at, kId) == Stage::kSecure);
    check_golden("offline-secure", planned(Stage::kSecure, made, at));
    ExpandState half = up();
    half.workloads[kSet]["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete";
    CHECK(stage_of(made, half, kId) == Stage::kSecure);
}

TEST_CASE("offline: the old number stands beside the new one and in the journal, and a signal waits") {
    const plan::Plan plan = planned(Stage::kStop, stopping(), up());
    CHECK(plan.shielded);
    CHECK(plan.latest[kHeld][kSet] == 2);
    check_golden("offline-stop", plan);
}

TEST_CASE("offline: pods end from the highest ordinal on, and what is still attached counts as used") {
    ExpandState at = down();
    at.pods = {pod(0), pod(1)};
    at.attachments = {"csi-1"};
    const plan::Plan plan = planned(Stage::kDrain, stopping(), at);
    CHECK(ids(plan) == std::vector<std::string>{"delete-pod-db-1", "delete-pod-db-0", "wait-detached"});
    CHECK(plan.shielded);
    at.pods[0]["metadata"]["ownerReferences"][0]["uid"] = "uid-stranger";
    const auto stranger = plan_round(Stage::kDrain, stopping(), at, kId, now());
    REQUIRE_FALSE(stranger.ok());
    CHECK(stranger.error().kind == ErrorKind::kConflict);
}

TEST_CASE("offline: while nothing runs only the volumes are waited for, and signals wait for the service") {
    const plan::Plan plan = planned(Stage::kGrow, stopping(), down());
    CHECK(plan.shielded);
    CHECK(std::get<plan::WaitFor>(plan.steps.back().action).condition == plan::Condition::kGrown);
    for (const plan::Step& step : plan.steps) CHECK(step.id.find("filesystems") == std::string::npos);
    check_golden("offline-grow", plan);
}

TEST_CASE("offline: the number that was written is set again, and a number that somebody has set wins") {
    const plan::Plan plan = planned(Stage::kStart, stopping(), down_and_grown());
    check_golden("offline-start", plan);
    CHECK(plan.shielded);
    ExpandRecord made = stopping();
    made.held[kSet] = 2;
    ExpandState by_hand = down_and_grown();
    by_hand.workloads[kSet]["metadata"]["annotations"].erase(labels::kReplicas);
    CHECK(stage_of(made, by_hand, kId) == Stage::kStart);
    made.held.clear();
    CHECK(stage_of(made, by_hand, kId) == Stage::kGrow);  // its owner's own 0
}

TEST_CASE("offline: once it has been started it is not stopped again for what somebody asks for meanwhile") {
    ExpandState at = up();
    CHECK(stage_of(stopping(), at, kId, {kStarting}) == Stage::kGrow);
    const plan::Plan plan = planned(Stage::kGrow, stopping(), at);
    CHECK_FALSE(plan.shielded);
    CHECK(std::get<plan::WaitFor>(plan.steps.back().action).condition == plan::Condition::kResized);
}

TEST_CASE("offline: whatever fails, service comes back first; when the storage refuses for good the marks go too") {
    const ExpandRecord made = stopping();
    CHECK(ids(plan_service(made, down(), kId)) == std::vector<std::string>{"start-db"});
    CHECK(plan_service(made, down(), kId).shielded);
    CHECK(plan_service(made, up(), kId).steps.empty());
    const plan::Plan end = plan_unmark(made, down(), kId);
    CHECK(ids(end) == std::vector<std::string>{"start-db", "unmark-data-db-1"});
    CHECK(end.last);
    ExpandState kept = up();
    kept.workloads[kSet]["metadata"]["annotations"][labels::kRetention] = "Delete/Retain";
    CHECK(ids(plan_unmark(made, kept, kId)).front() == "restore-retention-db");
}

TEST_CASE("offline: a Deployment starts again only when every pod of it has ended") {
    ExpandFacts made;
    facts(made);
    made.sets.clear();
    Json deployment = set(1);
    deployment["kind"] = "Deployment";
    deployment["metadata"]["name"] = "web";
    deployment["metadata"]["uid"] = "uid-web";
    made.chosen = {"data-db-0"};
    made.pods = {pod(0)};
    made.pods[0]["metadata"]["labels"]["pod-template-hash"] = "6bb";
    made.pods[0]["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "ReplicaSet"}, {"name", "web-6bb"}, {"uid", "uid-rs"}, {"controller", true}}});
    made.users = {{{kube::kDeployments, "shop", "web"}, deployment, std::nullopt}};
    ExpandOptions wanted = wanted_offline();
    wanted.target = kube::ObjectRef{kube::kClaims, "shop", "data-db-0"};
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.stopped.size() == 1);
    ExpandState at;
    at.claims["data-db-0"] = claim(0);
    at.pods = made.pods;
    at.workloads["deploy/shop/web"] = deployment;
    at.workloads["deploy/shop/web"]["spec"]["replicas"] = 0;
    at.workloads["deploy/shop/web"]["metadata"]["annotations"][labels::kReplicas] = "1";
    CHECK(ids(plan_service(choice->record, at, kId)) ==
          std::vector<std::string>{"wait-told-web", "wait-ended-web", "start-web"});
    wanted.target = kube::ObjectRef{kube::kDeployments, "shop", "other"};
    CHECK(choose(wanted, made).error().message.find("deploy/shop/web has pods on these claims too") !=
          std::string::npos);
}

TEST_CASE("offline: the plan says who is stopped, for how long, and what that costs") {
    ExpandFacts made;
    offline_facts(made);
    const auto choice = chosen(made);
    REQUIRE(choice.ok());
    std::string notes;
    for (const std::string& note : choice->notes) notes += note + "\n";
    CHECK(notes.find("STOPPED: sts/shop/db (2 replicas). No write that was committed is lost") != std::string::npos);
    CHECK(notes.find("expected downtime: until the pods have stopped (at most their grace of 30 s each), until the "
                     "storage has grown 2 volumes, and until the pods are ready again") != std::string::npos);
    const auto words = rounds_in_words(choice->record);
    CHECK(words[0].find("scale sts/shop/db to 0") == 0);
    CHECK(words[1].find("POINT OF NO RETURN") == 0);
    CHECK(words[2].find("scale sts/shop/db to 2") == 0);
}

TEST_CASE("offline: what no pod uses grows without anything being stopped") {
    ExpandFacts made;
    offline_facts(made);
    made.pods.clear();
    const auto choice = chosen(made);
    REQUIRE(choice.ok());
    CHECK(choice->record.stopped.empty());
    CHECK(stage_of(choice->record, state(), kId) == Stage::kGrow);
}

TEST_CASE("offline: refused are pods that would not come again, and whoever would start the workload meanwhile") {
    const auto refuses = [](ExpandFacts& made, const std::string& says, const ExpandOptions& wanted) {
        const auto choice = choose(wanted, made);
        REQUIRE_FALSE(choice.ok());
        CHECK(choice.error().kind == ErrorKind::kRefused);
        INFO(choice.error().message);
        CHECK(choice.error().message.find(says) != std::string::npos);
        CHECK(choice.error().message.find("nothing was changed") != std::string::npos);
    };
    ExpandFacts bare;
    offline_facts(bare);
    bare.pods[1]["metadata"]["ownerReferences"] = Json::array();
    refuses(bare, "is of no StatefulSet or Deployment: stopped, it would be gone", wanted_offline());
    ExpandFacts lost;
    offline_facts(lost);
    lost.pods[1]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    lost.pods[1]["status"]["conditions"] =
        Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "DeletionByTaintManager"}}});
    refuses(lost, "is on a lost node", wanted_offline());
    ExpandFacts flux;
    offline_facts(flux);
    flux.users[0].live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "books";
    refuses(flux, "would scale the workload up in the middle of the expansion", wanted_offline());
    ExpandOptions paused = wanted_offline();
    paused.gitops_paused = true;
    CHECK(choose(paused, flux).ok());
    ExpandFacts keda;
    offline_facts(keda);
    keda.autoscalers = {{{"metadata", {{"name", "db"}, {"labels", {{"scaledobject.keda.sh/name", "db"}}}}},
                         {"spec", {{"scaleTargetRef", {{"kind", "StatefulSet"}, {"name", "db"}}}}}}};
    refuses(keda, "is scaled by KEDA", wanted_offline());
}

TEST_CASE("offline: what is stopped is in the journal, and in what the claims tell") {
    ExpandRecord made = stopping();
    Json json = record_json(made);
    json[kHeld] = {{kSet, 2}};
    const auto back = record_of(json, "shop");
    REQUIRE(back.ok());
    CHECK(back->restart == Restart::kOffline);
    CHECK(back->held.at(kSet) == 2);
    REQUIRE(back->stopped.size() == 1);
    CHECK(back->stopped[0].replicas == 2);
    CHECK(record_of(trace_json(made, "db", kId), "shop")->stopped.size() == 1);
}

TEST_CASE(
    "offline: who waits for filesystems alone is stopped and started too, once: they grow when they are mounted") {
    const ExpandRecord made = stopping();
    ExpandState at = up();
    at.claims = down_and_grown().claims;
    CHECK(stage_of(made, at, kId) == Stage::kStop);
    ExpandState ending = down_and_grown();
    ending.pods.push_back(pod(0));
    CHECK(stage_of(made, ending, kId) == Stage::kDrain);
    CHECK(ids(planned(Stage::kDrain, made, ending)) == std::vector<std::string>{"delete-pod-db-0"});
    CHECK(stage_of(made, down_and_grown(), kId) == Stage::kStart);
    CHECK(stage_of(made, at, kId, {kStarting}) == Stage::kGrow);
}
