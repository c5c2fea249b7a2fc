// What the volumes' marks tell of an operation whose journal is lost: all of it, from every stage on in which anything
// was changed.
#include "plugins/restore/traces.h"

#include "common/kube/objects/lease.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/fence.h"
#include "common/plan/lock.h"
#include "plugins/restore/finalize.h"
#include "plugins/restore/in_place.h"
#include "plugins/restore/swap_plan.h"
#include "tests/unit/restore/swap_scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::testing;  // NOLINT
using restore::Stage;

namespace {

struct Traced {
    FakeClock clock;
    FakeCluster cluster{clock};
    restore::SwapRecord record;

    // As the cluster is when `stage` is about to be planned, its marks written by the planner itself, so many of them.
    explicit Traced(Stage stage, std::size_t marks = 100) {
        Staged secured = staged(Stage::kSecure);
        record = secured.record;
        record.line = {{"plugin", "restore"},
                       {"command", "in-place"},
                       {"kind", "in-place"},
                       {"hash", "abc"},
                       {"arguments", {{"positionals", {"sts/db"}}, {"values", {{"from", {"nightly"}}}}}}};
        Staged at = staged(stage);
        const auto plan = restore::plan_swap(Stage::kSecure, record, secured.facts, kOperationId);
        for (auto& [name, volume] : at.facts.volumes) {
            volume["metadata"]["annotations"] = Json::object();
            cluster.put(volume);
        }
        for (const auto& [name, claim] : at.facts.claims) cluster.put(claim);
        cluster.put(*at.facts.workload);
        for (const plan::Step& step : plan->steps) {
            const auto* patch = std::get_if<plan::Patch>(&step.action);
            if (patch == nullptr || !(patch->ref.resource == kube::kVolumes) || marks-- == 0) break;
            REQUIRE(cluster.patch(patch->ref, patch->type, patch->body, {}, kube::DryRun::kNone, "").ok());
        }
    }
    std::vector<plan::Journal> told() { return *restore::unfinished_swaps(cluster, "shop"); }
    void take_mark(const std::string& volume) {
        const Json body = {
            {"metadata", {{"labels", {{labels::kPutIn, nullptr}}}, {"annotations", {{labels::kSwap, nullptr}}}}}};
        REQUIRE(cluster.patch({kube::kVolumes, "", volume}, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "")
                    .ok());
    }
};

}  // namespace

TEST_CASE("R8: a snapshot that was begun during the swap stops it while nothing is deleted yet") {
    Traced scene(Stage::kReplace);
    const Staged at = staged(Stage::kReplace);
    plan::Input input;
    input.operation = kOperationId;
    input.round = 5;
    input.record = restore::record_json(at.record);
    input.record.update(restore::incoming_json(at.record));
    restore::InPlace operation(in_place_options());
    REQUIRE(operation.plan(scene.cluster, input).ok());
    Json snapshot = {{"apiVersion", "snapshot.storage.k8s.io/v1"},
                     {"kind", "VolumeSnapshot"},
                     {"metadata", {{"name", "nightly-9"}, {"namespace", "shop"}, {"uid", "uid-nightly-9"}}},
                     {"spec", {{"source", {{"persistentVolumeClaimName", "data-db-1"}}}}},
                     {"status", {{"readyToUse", false}}}};
    scene.cluster.put(snapshot);
    const auto stopped = operation.plan(scene.cluster, input);
    REQUIRE_FALSE(stopped.ok());
    CHECK(stopped.error().kind == ErrorKind::kConflict);
    CHECK(stopped.error().message.find("vs/shop/nightly-9 of pvc/shop/data-db-1 was begun meanwhile") == 0);
    snapshot["status"]["readyToUse"] = true;
    scene.cluster.put(snapshot);
    CHECK(operation.plan(scene.cluster, input).ok());
}

TEST_CASE("bad input 50: from the volumes alone the journal is made again as it was, at every stage") {
    for (const Stage stage : {Stage::kStop, Stage::kDrain, Stage::kReserve, Stage::kReplace, Stage::kFinish}) {
        Traced scene(stage);
        const auto told = scene.told();
        REQUIRE(told.size() == 1);
        const plan::Journal& journal = told[0];
        CHECK(journal.operation == kOperationId);
        CHECK(journal.kind == "in-place");
        CHECK(journal.argument_hash == "abc");
        CHECK(journal.arguments["values"]["from"][0] == "nightly");
        CHECK(journal.target == "db");
        REQUIRE(journal.locks.size() == 1);
        CHECK(journal.locks[0].uid == "uid-db");
        CHECK(journal.uid.empty());
        const auto record = restore::record_of(journal.record, "shop");
        REQUIRE(record.ok());
        CHECK(restore::check_whole(*record, journal.record, kOperationId).ok());
        REQUIRE(record->swaps.size() == 2);
        for (std::size_t i = 0; i < 2; ++i) {
            const restore::Swap &was = scene.record.swaps[i], &is = record->swaps[i];
            CHECK(is.claim == was.claim);
            CHECK(is.claim_uid == was.claim_uid);
            CHECK(is.old_volume == was.old_volume);
            CHECK(is.old_policy == "Delete");
            CHECK(is.request == was.request);
            CHECK(is.temporary == was.temporary);
            CHECK(is.source == was.source);
            // What is made anew of it is the same.
            const kube::Renewal renewal{"pv", is.request, is.source};
            CHECK(kube::renewed_claim(is.manifest, renewal) == kube::renewed_claim(was.manifest, renewal));
            CHECK(record->incoming.at(is.claim).volume == "new-" + std::to_string(i));
            CHECK(record->incoming.at(is.claim).temporary_uid == "uid-temporary-" + std::to_string(i));
        }
        CHECK(record->workload.replicas == scene.record.workload.replicas);
        CHECK(record->at == scene.record.at);
        CHECK(plan::written_objects(journal).size() == 1 + 2 * 3 + 2);
        CHECK(plan::created_objects(journal).size() == 2);
    }
}

TEST_CASE("without any mark nothing was changed, and nothing is told; nor of an operation that has ended") {
    Traced before(Stage::kSecure, 0);
    CHECK(before.told().empty());
    Traced after(Stage::kFinish);
    after.take_mark("new-0");
    REQUIRE(after.told().size() == 1);
    const auto record = restore::record_of(after.told()[0].record, "shop");
    CHECK(record->incoming.at("data-db-0").volume == "new-0");
    after.take_mark("new-1");
    CHECK(after.told().empty());
}

TEST_CASE(
    "a claim whose volumes are not marked yet is known by its temporary claim; without it, abort is what is left") {
    for (const std::size_t marks : {1U, 2U, 3U}) {
        Traced scene(Stage::kSecure, marks);
        REQUIRE(scene.told().size() == 1);
        auto record = restore::record_of(scene.told()[0].record, "shop");
        REQUIRE(record->swaps.size() == 2);
        CHECK(record->swaps[1].old_policy == "Delete");
        CHECK(record->swaps[1].request == scene.record.swaps[1].request);
        CHECK(restore::check_whole(*record, scene.told()[0].record, kOperationId).ok());
    }
    Traced scene(Stage::kSecure, 2);
    scene.cluster.drop({kube::kClaims, "shop", scene.record.swaps[1].temporary});
    const auto told = scene.told();
    REQUIRE(told.size() == 1);
    const auto record = restore::record_of(told[0].record, "shop");
    const Status whole = restore::check_whole(*record, told[0].record, kOperationId);
    REQUIRE_FALSE(whole.ok());
    CHECK(whole.error().kind == ErrorKind::kRefused);
    CHECK(whole.error().hint.find("kubectl restore abort") == 0);
}

TEST_CASE("who goes on writes under an epoch above every mark; who works on it is seen by the Lease") {
    Traced scene(Stage::kStop);
    const Json body = {{"metadata", {{"annotations", {{labels::kEpoch, plan::epoch_mark(kOperationId, 4)}}}}}};
    REQUIRE(
        scene.cluster.patch({kube::kVolumes, "", "old-1"}, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "")
            .ok());
    CHECK(scene.told().at(0).epoch == 4);
    CHECK(scene.told().at(0).state == "stopped");
    kube::Lease lease;
    const kube::ObjectRef ref = plan::lock_lease({kube::kStatefulSets, "shop", "db"});
    lease.space = "shop";
    lease.name = ref.name;
    lease.holder = "boot/pid:[1]/7/9";
    lease.operation = kOperationId;
    scene.cluster.put(kube::lease_manifest(lease));
    CHECK(scene.told().at(0).owner == "boot/pid:[1]/7/9");
    CHECK(scene.told().at(0).state == "open");
}

TEST_CASE("the brief mark of a volume is all of its mark but the record") {
    Traced at(Stage::kStop);
    for (const char* name : {"old-0", "new-0"}) {
        const Json volume = at.cluster.get({kube::kVolumes, "", name}).value();
        auto whole = restore::mark_of(volume);
        REQUIRE(whole);
        CHECK(whole->record.is_object());
        whole->record = nullptr;
        CHECK(restore::mark_json(*restore::brief_mark_of(volume)) == restore::mark_json(*whole));
    }
    for (const char* text :
         {"", "[]", "{", R"({"operation":"a","claim":"b","record":{)", R"({"record":{"claim":"b"}})"}) {
        const Json volume = {{"metadata", {{"annotations", {{labels::kSwap, text}}}}}};
        CHECK_FALSE(restore::mark_of(volume));
        CHECK_FALSE(restore::brief_mark_of(volume));
    }
}

TEST_CASE("a mark that an undo puts aside does not grow with every undo") {
    restore::SwapMark mark;
    mark.operation = kOperationId;
    mark.claim = "data-db-0";
    mark.record = {{"swaps", Json::array()}};
    const std::string text = restore::mark_json(mark).dump();
    CHECK(text.find("record") != std::string::npos);
    CHECK(restore::without_record(text).find("record") == std::string::npos);
    CHECK(restore::without_record("not JSON") == "not JSON");
}

TEST_CASE("a claim with very long annotations is marked without its record, and restored all the same") {
    Traced scene(Stage::kSecure, 0);
    restore::Swap swap = scene.record.swaps[0];
    CHECK(restore::record_for_mark(scene.record, swap).is_object());
    swap.manifest["metadata"]["annotations"]["notes"] = std::string(200 * 1024, 'n');
    CHECK(restore::record_for_mark(scene.record, swap).is_null());
}

TEST_CASE("a temporary claim that was bound to a volume that was there before swaps nothing, and abort leaves both") {
    Traced scene(Stage::kSecure, 0);
    const std::string temporary = scene.record.swaps[0].temporary;
    const Json chosen = {{"metadata", {{"annotations", {{"pv.kubernetes.io/bound-by-controller", "yes"}}}}}};
    REQUIRE(
        scene.cluster.patch({kube::kVolumes, "", "new-0"}, kube::PatchType::kMerge, chosen, {}, kube::DryRun::kNone, "")
            .ok());
    plan::Input input;
    input.operation = kOperationId;
    input.round = 1;
    input.record = restore::record_json(scene.record);
    restore::InPlace operation(in_place_options());
    const auto next = operation.plan(scene.cluster, input);
    REQUIRE_FALSE(next.ok());
    CHECK(next.error().kind == ErrorKind::kConflict);
    CHECK(next.error().message.find(temporary + " was bound to pv/new-0, which was there before") != std::string::npos);
    const auto back = operation.take_back(scene.cluster, input);
    REQUIRE(back.ok());
    for (const plan::Step& step : (*back)->steps) {
        CAPTURE(step.title);
        CHECK(step.title.find("pv/new-0") == std::string::npos);
        CHECK(step.title.find(temporary) == std::string::npos);
    }
    REQUIRE_FALSE((*back)->notes.empty());
    CHECK((*back)->notes.front().find(temporary + " is left") != std::string::npos);
}

TEST_CASE("who loses all rights while the workload is held down is told that it may be") {
    Traced scene(Stage::kDrain);
    const Staged at = staged(Stage::kDrain);
    plan::Input input;
    input.operation = kOperationId;
    input.round = 4;
    input.record = restore::record_json(at.record);
    input.record.update(restore::incoming_json(at.record));
    restore::InPlace operation(in_place_options());
    REQUIRE(operation.plan(scene.cluster, input).ok());
    const Error forbidden{ErrorKind::kForbidden, "not allowed", ""};
    scene.cluster.fault = [&](const std::string&, bool) { return std::optional<Error>(forbidden); };
    const auto back = operation.recover(scene.cluster, input, forbidden);
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().message.find("sts/shop/db may be held down at 0 replicas: resume brings it back to 2") !=
          std::string::npos);
}

TEST_CASE("finalize: another volume of the same disk stops it; abort keeps what the storage has not deleted yet") {
    FakeClock clock;
    FakeCluster cluster{clock};
    restore::SwapMark mark;
    mark.operation = kOperationId;
    mark.space = "shop";
    mark.claim = "data-db-0";
    mark.claim_uid = "uid-claim-0";
    mark.workload = "sts/shop/db";
    mark.at = "2026-11-21T02:00:00Z";
    mark.taken_out = true;
    Json kept = live_volume("old-0", "data-db-0", "uid-claim-0", "Released", "Delete");
    kept["metadata"]["labels"][labels::kKept] = kOperationId;
    kept["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
    cluster.put(kept);
    restore::Finalize operation({"shop", kOperationId});
    plan::Input input;
    input.operation = "finalize-x";
    const auto back = operation.take_back(cluster, input);
    REQUIRE(back.ok());
    REQUIRE((*back)->steps.size() == 1);
    CHECK((*back)->steps[0].title == "set the reclaim policy of pv/old-0 to Retain");
    CHECK(operation.plan(cluster, input).ok());
    Json rescue = live_volume("rescue", "rescue", "uid-rescue", "Bound", "Retain");
    rescue["spec"]["csi"]["volumeHandle"] = "handle-old-0";
    cluster.put(rescue);
    const auto refused = operation.plan(cluster, input);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
}
