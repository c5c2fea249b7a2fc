#include "plugins/restore/since.h"
#include "plugins/restore/swap_plan.h"

#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "swap_scene.h"
#include "tests/golden/golden.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using holdfast::testing::has;
using holdfast::testing::ids;
using restore::Stage;
using testing::kOperationId;
using testing::staged;

namespace {

constexpr Stage kRounds[] = {Stage::kSecure,  Stage::kStop,    Stage::kDrain,
                             Stage::kReserve, Stage::kReplace, Stage::kFinish};
constexpr const char* kNames[] = {"secure", "stop", "drain", "reserve", "replace", "finish"};

}  // namespace

TEST_CASE("a swap: its rounds") {
    for (std::size_t i = 0; i < std::size(kRounds); ++i) {
        const auto at = staged(kRounds[i]);
        CAPTURE(kNames[i]);
        CHECK(restore::stage_of(at.record, at.facts, kOperationId) == kRounds[i]);
        const auto plan = restore::plan_swap(kRounds[i], at.record, at.facts, kOperationId);
        REQUIRE(plan.ok());
        golden::check(std::string("restore/swap-") + kNames[i] + ".json", plan::to_json(*plan).dump(2) + "\n");
    }
}

TEST_CASE("no volume is proven that no pod of ours has seen") {
    auto at = staged(Stage::kSecure);
    at.facts.provers.pop_back();
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kProve);
    at = staged(Stage::kSecure);
    at.facts.provers[0]["status"]["phase"] = "Failed";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kProve);
}

TEST_CASE("R11: a policy that somebody sets back to Delete is set to Retain again before anything else") {
    for (const Stage stage : {Stage::kStop, Stage::kDrain, Stage::kReserve, Stage::kReplace}) {
        for (const char* volume : {"old-0", "new-1"}) {
            auto at = staged(stage);
            at.facts.volumes[volume]["spec"]["persistentVolumeReclaimPolicy"] = "Delete";
            CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kSecure);
            const auto plan = restore::plan_swap(Stage::kSecure, at.record, at.facts, kOperationId).value();
            CHECK(has(plan, volume[0] == 'o' ? "retain-old-data-db-0" : "retain-new-data-db-1"));
        }
        auto at = staged(stage);
        (*at.facts.workload)["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete";
        CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kSecure);
        at = staged(stage);
        at.facts.claims["data-db-0"]["metadata"]["ownerReferences"] =
            Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}}});
        CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kSecure);
    }
}

TEST_CASE("R1: a volume that another workload's swap has marked since the guards looked is left to that swap") {
    restore::SwapMark mark;
    mark.operation = "in-place-other-abcde";
    mark.claim = "data-db-0";
    mark.claim_uid = staged(Stage::kSecure).record.swaps[0].claim_uid;
    mark.workload = "deploy/shop/other";
    mark.taken_out = true;
    const auto marked = [&](Stage stage) {
        auto at = staged(stage);
        at.facts.volumes["old-0"]["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
        return at;
    };
    for (const Stage stage : {Stage::kSecure, Stage::kStop}) {
        const auto at = marked(stage);
        REQUIRE(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kSecure);
        const auto refused = restore::plan_swap(Stage::kSecure, at.record, at.facts, kOperationId);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == ErrorKind::kLocked);
        CHECK(refused.error().message ==
              "the volume of pvc/shop/data-db-0 is being swapped by operation in-place-other-abcde for "
              "deploy/shop/other, which is unfinished; claims and workloads are as they were");
        CHECK(
            refused.error().hint ==
            "to go on: kubectl restore resume in-place-other-abcde -n shop; whether it can be taken back says: kubectl "
            "restore abort in-place-other-abcde -n shop --dry-run");
        // And the way back leaves what that swap has marked as it is.
        const auto back = restore::plan_back(at.record, at.facts, kOperationId);
        REQUIRE(back.ok());
        for (const plan::Step& step : back->steps) {
            const auto* patch = std::get_if<plan::Patch>(&step.action);
            if (patch != nullptr) CHECK(patch->ref.name != "old-0");
        }
    }
    // With the workload down the way goes on to its end: whoever marks then comes too late.
    const auto down = marked(Stage::kDrain);
    CHECK(restore::plan_swap(Stage::kSecure, down.record, down.facts, kOperationId).ok());
    // Of two at the same time only one marks the volume: the patch names what was read.
    auto at = staged(Stage::kSecure);
    at.facts.volumes["old-0"]["metadata"]["resourceVersion"] = "41";
    const auto plan = restore::plan_swap(Stage::kSecure, at.record, at.facts, kOperationId).value();
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [](const auto& one) { return one.id == "retain-old-data-db-0"; });
    REQUIRE(step != plan.steps.end());
    CHECK(std::get<plan::Patch>(step->action).preconditions.resource_version == "41");
    CHECK(step->replan);
}

TEST_CASE("R9: no claim is deleted before its volume is reserved and the binder has seen it") {
    auto at = staged(Stage::kReplace);
    at.facts.volumes["new-0"]["status"]["phase"] = "Bound";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReserve);
    at = staged(Stage::kReplace);
    at.facts.volumes["new-1"]["spec"]["claimRef"]["name"] = "another";
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kReserve);
}

TEST_CASE("no claim is deleted that was changed since it was looked at, except on the way back to service") {
    auto at = staged(Stage::kReplace);
    const auto deletion = [](const plan::Plan& plan) {
        return *std::find_if(plan.steps.begin(), plan.steps.end(),
                             [](const plan::Step& step) { return step.id == "delete-data-db-0"; });
    };
    const plan::Step exact = deletion(restore::plan_swap(Stage::kReplace, at.record, at.facts, kOperationId).value());
    CHECK(std::get<plan::Delete>(exact.action).preconditions.resource_version == "7");
    CHECK(exact.replan);
    at.facts.claims.erase("data-db-1");
    const plan::Step forward = deletion(restore::plan_service(at.record, at.facts, kOperationId));
    CHECK(std::get<plan::Delete>(forward.action).preconditions.resource_version.empty());
    CHECK_FALSE(forward.replan);
}

TEST_CASE("a claim that grows once another one is deleted is told of, after a resume too") {
    auto at = staged(Stage::kReplace);
    at.facts.claims["data-db-1"]["spec"]["resources"]["requests"]["storage"] = "5Gi";
    CHECK_FALSE(restore::check_since(at.record, at.facts).ok());
    restore::note_asked(at.record, at.facts);
    CHECK(restore::asked_meanwhile(at.record).empty());  // as long as all are there it ends the operation
    auto other = at;
    other.facts.claims.erase("data-db-0");
    other.record.swaps[1].request = "6Gi";  // more than it was let grow to
    restore::note_asked(other.record, other.facts);
    CHECK(restore::asked_meanwhile(other.record).empty());
    at.facts.claims.erase("data-db-0");
    CHECK(restore::check_since(at.record, at.facts).ok());
    restore::note_asked(at.record, at.facts);
    CHECK(restore::plan_service(at.record, at.facts, kOperationId).latest.at("asked").at("data-db-1") == "5Gi");
    Json json = restore::record_json(at.record);
    json.update(restore::asked_json(at.record));
    CHECK(restore::asked_meanwhile(restore::record_of(Json::parse(json.dump()), "shop").value()) ==
          "WARNING: pvc/shop/data-db-1 was changed by somebody while other claims were being swapped: it asked for 5Gi "
          "when it was deleted, and asks for 2Gi now, as planned; to grow it: kubectl pvc-expand pvc/data-db-1 -n shop "
          "--size 5Gi\n");
}

TEST_CASE("no claim is deleted while a pod or an attachment holds its volume") {
    auto at = staged(Stage::kReplace);
    at.facts.pods = {testing::live_pod(0)};
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kDrain);
    at = staged(Stage::kReplace);
    at.facts.attachments = {"csi-1"};
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kDrain);
    at.facts.pods = {testing::live_pod(0)};
    at.facts.pods[0]["metadata"].erase("ownerReferences");
    CHECK(restore::plan_swap(Stage::kDrain, at.record, at.facts, kOperationId).error().kind == ErrorKind::kConflict);
}

TEST_CASE("R12: the highest ordinal's pod goes first") {
    const auto at = staged(Stage::kDrain, 12);
    const auto plan = restore::plan_swap(Stage::kDrain, at.record, at.facts, kOperationId).value();
    CHECK(plan.steps.front().id == "delete-pod-db-11");
    CHECK(plan.steps[1].id == "delete-pod-db-10");
}

TEST_CASE("a claim that somebody made anew meanwhile is not made twice, only watched") {
    auto at = staged(Stage::kReplace);
    at.facts.claims["data-db-0"] = testing::live_claim("data-db-0", "", "uid-by-somebody");
    at.facts.claims["data-db-0"]["status"]["phase"] = "Pending";
    const auto plan = restore::plan_swap(Stage::kReplace, at.record, at.facts, kOperationId).value();
    CHECK_FALSE(has(plan, "delete-data-db-0"));
    CHECK_FALSE(has(plan, "create-data-db-0"));
    CHECK(has(plan, "delete-data-db-1"));
    const auto& wait = std::get<plan::WaitFor>(plan.steps[plan.steps.size() - 2].action);
    CHECK(wait.names == std::vector<std::string>{"data-db-0", "data-db-1"});
    CHECK(wait.bound_to == std::vector<std::string>{"new-0", "new-1"});
}

TEST_CASE(
    "a claim that waits for a volume that was deleted is made once more, one that somebody made without any is not") {
    auto at = staged(Stage::kReplace);
    at.record.swaps[0].temporary = "in-place-db-data-db-0";
    at.record.swaps[0].source = "vs/shop/before-data-db-0";
    Json& claim = at.facts.claims["data-db-0"] = testing::live_claim("data-db-0", "", "uid-by-somebody");
    claim["status"]["phase"] = "Pending";
    claim["metadata"]["annotations"][labels::kRestoredFrom] = at.record.swaps[0].source;
    claim["spec"].erase("volumeName");
    CHECK_FALSE(
        has(restore::plan_swap(Stage::kReplace, at.record, at.facts, kOperationId).value(), "create-data-db-0"));
    claim["spec"]["volumeName"] = "gone";
    const auto plan = restore::plan_swap(Stage::kReplace, at.record, at.facts, kOperationId).value();
    CHECK(has(plan, "delete-data-db-0"));
    CHECK(has(plan, "create-data-db-0"));
}

TEST_CASE("R13: the shorter way back to service is up on the old volumes until a claim was deleted, then forward") {
    for (const Stage stage : {Stage::kDrain, Stage::kReserve, Stage::kReplace}) {
        const auto at = staged(stage);
        CHECK(ids(restore::plan_service(at.record, at.facts, kOperationId)) ==
              std::vector<std::string>{"look-before-start", "start"});
    }
    auto at = staged(Stage::kReplace);
    at.facts.claims.erase("data-db-0");
    const auto forward = restore::plan_service(at.record, at.facts, kOperationId);
    CHECK(forward.latest == restore::held_json(std::nullopt));  // once up again, a number that somebody sets is theirs
    CHECK(ids(forward) ==
          std::vector<std::string>{"delete-data-db-1", "create-data-db-0", "create-data-db-1", "wait-bound", "start"});
    for (const Stage stage : {Stage::kSecure, Stage::kStop, Stage::kFinish}) {
        const auto up = staged(stage);
        CHECK(restore::plan_service(up.record, up.facts, kOperationId).steps.empty());
    }
}

TEST_CASE("a Deployment is started again only when its pods have ended: it would not wait for them itself") {
    auto at = staged(Stage::kDrain);
    REQUIRE(at.facts.pods.size() == 2);
    at.record.workload.ref.resource = kube::kDeployments;
    const auto wanted = std::vector<std::string>{"wait-told", "wait-ended", "look-before-start", "start"};
    const auto plan = restore::plan_service(at.record, at.facts, kOperationId);
    CHECK(ids(plan) == wanted);
    CHECK(std::get<plan::WaitFor>(plan.steps[1].action).uids.size() == 2);
    const auto back = restore::plan_back(at.record, at.facts, kOperationId).value();
    CHECK(has(back, "wait-told"));
    CHECK(has(back, "wait-ended"));
    (*at.facts.workload)["spec"]["replicas"] = 2;
    CHECK_FALSE(has(restore::plan_service(at.record, at.facts, kOperationId), "wait-told"));
}

TEST_CASE("R13: while somebody's pods run in the middle of a swap nothing more is deleted") {
    auto at = staged(Stage::kReplace);
    at.facts.claims.erase("data-db-0");
    at.facts.pods = {testing::live_pod(1)};
    (*at.facts.workload)["spec"]["replicas"] = 2;
    const auto plan = restore::plan_service(at.record, at.facts, kOperationId);
    CHECK_FALSE(has(plan, "delete-data-db-1"));
    CHECK(has(plan, "create-data-db-0"));
}

TEST_CASE(
    "abort ends an operation whose workload somebody made anew, and what was swapped by then stays, old and new") {
    auto at = staged(Stage::kReplace);
    at.facts.workload.reset();
    at.facts.claims.erase("data-db-0");
    const auto plan = restore::plan_close(at.record, at.facts, kOperationId);
    CHECK(plan.last);
    golden::check("restore/swap-close.json", plan::to_json(plan).dump(2) + "\n");
}

TEST_CASE("abort keeps a new volume whose snapshot is not there any more: it is the last copy") {
    auto at = staged(Stage::kReplace);
    at.record.swaps[0].source = "set/nightly uid=gone";
    at.record.swaps[1].source = "set/nightly uid=there";
    at.facts.snapshots = std::set<std::string>{"there"};
    const auto plan = restore::plan_back(at.record, at.facts, kOperationId).value();
    CHECK(has(plan, "let-go-new-0"));
    CHECK_FALSE(has(plan, "discard-new-0"));
    CHECK_FALSE(has(plan, "gone-new-0"));
    CHECK(has(plan, "discard-new-1"));
    const auto kept = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [](const plan::Step& step) { return step.id == "let-go-new-0"; });
    REQUIRE(kept != plan.steps.end());
    CHECK(std::get<plan::Patch>(kept->action).body["spec"]["persistentVolumeReclaimPolicy"] == "Retain");
    CHECK(std::find(plan.notes.begin(), plan.notes.end(),
                    "pv/new-0, the last copy of set/nightly uid=gone, which is not there any more, stays, under "
                    "reclaim policy Retain") != plan.notes.end());
}

TEST_CASE("abort takes everything back before the first claim is deleted, and refuses after") {
    const auto at = staged(Stage::kReplace);
    const auto plan = restore::plan_back(at.record, at.facts, kOperationId).value();
    golden::check("restore/swap-back.json", plan::to_json(plan).dump(2) + "\n");
    auto late = staged(Stage::kReplace);
    late.facts.claims.erase("data-db-1");
    const auto refused = restore::plan_back(late.record, late.facts, kOperationId);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message.find("point of no return") != std::string::npos);
}

TEST_CASE("abort gives up only the incoming volume that it has read: it may be the claim's, and a pod's, by then") {
    auto at = staged(Stage::kReplace);
    for (auto& [name, volume] : at.facts.volumes) volume["metadata"]["resourceVersion"] = "41";
    const auto plan = restore::plan_back(at.record, at.facts, kOperationId).value();
    int given_up = 0;
    for (const plan::Step& step : plan.steps) {
        if (step.id.rfind("discard-", 0) != 0) continue;
        ++given_up;
        CHECK(std::get<plan::Patch>(step.action).preconditions.resource_version == "41");
    }
    CHECK(given_up == 2);
}

TEST_CASE(
    "R13: with the workload down a refusal that passes (quota, a webhook) is no end: the claim made anew insists") {
    const auto at = staged(Stage::kReplace);
    const auto plan = restore::plan_swap(Stage::kReplace, at.record, at.facts, kOperationId).value();
    for (const plan::Step& step : plan.steps) {
        if (const auto* create = std::get_if<plan::Create>(&step.action)) CHECK(create->insists);
    }
}

TEST_CASE("a volume's policy goes back to Delete only after a look at its claim, which may be going by then") {
    const auto looks_before = [](const plan::Plan& plan, const std::string& look, const std::string& then) {
        const auto all = ids(plan);
        const auto at = std::find(all.begin(), all.end(), look);
        return at != all.end() && at + 1 != all.end() && *(at + 1) == then;
    };
    auto at = staged(Stage::kFinish);
    const auto finish = restore::plan_swap(Stage::kFinish, at.record, at.facts, kOperationId).value();
    CHECK(looks_before(finish, "look-data-db-0", "settle-new-0"));
    CHECK(looks_before(finish, "look-data-db-1", "settle-new-1"));
    for (const plan::Step& step : finish.steps) {
        if (step.id != "look-data-db-1") continue;
        const auto& look = std::get<plan::WaitFor>(step.action);
        CHECK(look.bound_to == std::vector<std::string>{"new-1"});
        CHECK(look.uids == std::vector<std::string>{"uid-renewed-1"});
    }
    const auto ready = staged(Stage::kReplace);
    const auto back = restore::plan_back(ready.record, ready.facts, kOperationId).value();
    CHECK(looks_before(back, "look-data-db-0", "restore-old-0"));

    for (restore::Swap& swap : at.record.swaps) swap.old_policy = "Retain";
    const auto kept = restore::plan_swap(Stage::kFinish, at.record, at.facts, kOperationId).value();
    CHECK(has(kept, "settle-new-0"));
    CHECK_FALSE(has(kept, "look-data-db-0"));
}

TEST_CASE("a number of replicas that somebody sets after the stop becomes the one to go back to") {
    auto at = staged(Stage::kReserve);
    (*at.facts.workload)["spec"]["replicas"] = 5;
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kStop);
    const auto plan = restore::plan_swap(Stage::kStop, at.record, at.facts, kOperationId).value();
    const auto& scale = std::get<plan::Scale>(plan.steps[0].action);
    CHECK(scale.from == 5);
    CHECK(scale.annotations[labels::kReplicas] == "5");
}

TEST_CASE("a number of replicas that somebody takes off in mid-swap is in the journal") {
    for (const Stage stage : {Stage::kDrain, Stage::kReserve, Stage::kReplace}) {
        auto at = staged(stage);
        const auto before = staged(Stage::kStop);
        const auto stop = restore::plan_swap(Stage::kStop, before.record, before.facts, kOperationId).value();
        Json json = restore::record_json(at.record);
        json.update(restore::incoming_json(at.record));
        json.update(stop.latest);
        at.record = restore::record_of(json, "shop").value();
        (*at.facts.workload)["metadata"].erase("annotations");
        CHECK(restore::stage_of(at.record, at.facts, kOperationId) == stage);
        const auto service = restore::plan_service(at.record, at.facts, kOperationId);
        const auto start = std::find_if(service.steps.begin(), service.steps.end(),
                                        [](const plan::Step& step) { return step.id == "start"; });
        REQUIRE(start != service.steps.end());
        CHECK(std::get<plan::Scale>(start->action).replicas == 2);
    }
}

TEST_CASE("whoever scales a workload down once its volumes are swapped and it was up again is heard") {
    auto at = staged(Stage::kFinish);
    Json json = restore::record_json(at.record);
    json.update(restore::incoming_json(at.record));
    json.update(restore::held_json(2));
    json.update(restore::plan_swap(Stage::kFinish, at.record, at.facts, kOperationId).value().latest);
    at.record = restore::record_of(json, "shop").value();
    (*at.facts.workload)["spec"]["replicas"] = 0;
    CHECK(restore::stage_of(at.record, at.facts, kOperationId) == Stage::kFinish);
}

TEST_CASE("the record comes back from the journal as it was written") {
    auto record = staged(Stage::kReplace).record;
    Json json = restore::record_json(record);
    json.update(restore::incoming_json(record));
    const auto read = restore::record_of(Json::parse(json.dump()), "shop");
    REQUIRE(read.ok());
    Json again = restore::record_json(*read);
    again.update(restore::incoming_json(*read));
    CHECK(again == json);
    json["swaps"][0].erase("claimUid");
    CHECK_FALSE(restore::record_of(json, "shop").ok());
    CHECK_FALSE(restore::record_of(Json::object(), "shop").ok());
}

TEST_CASE("R10: a claim made anew has nothing of the binder's, of an owner's or of a data source") {
    Json old = testing::live_claim("data-db-0", "old-0", "uid-claim-0");
    old["metadata"]["ownerReferences"] = Json::array({{{"kind", "StatefulSet"}, {"name", "db"}}});
    const Json made = kube::renewed_claim(old, {"new-0", "2Gi", "vs/shop/x uid=1"});
    CHECK(made["metadata"]["labels"] == Json{{"app", "db"}});
    CHECK(made["metadata"]["annotations"] ==
          Json{{"owner", "shop team"}, {"holdfast.dev/restored-from", "vs/shop/x uid=1"}});
    for (const char* key : {"uid", "resourceVersion", "finalizers", "ownerReferences"})
        CHECK_FALSE(made["metadata"].contains(key));
    CHECK_FALSE(made.contains("status"));
    CHECK_FALSE(made["spec"].contains("dataSource"));
    CHECK(made["spec"]["volumeName"] == "new-0");
    CHECK(made["spec"]["storageClassName"] == "fast");
}
