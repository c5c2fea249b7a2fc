#include "plugins/restore/in_place_guards.h"
#include "plugins/restore/in_place_plan.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/finalize.h"
#include "plugins/restore/prove.h"
#include "swap_scene.h"
#include "tests/golden/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

using namespace holdfast;
using testing::in_place_facts;
using testing::in_place_options;
using testing::kOperationId;

namespace {

Result<restore::InPlaceChoice> choose(const restore::InPlaceFacts& facts,
                                      const restore::InPlaceOptions& options = in_place_options()) {
    return restore::choose_in_place(options, facts, kOperationId, testing::some_time());
}

struct Guard {
    const char* name;
    std::function<void(restore::InPlaceFacts&)> break_it;
    const char* says;
};

kube::Snapshot unready(const std::string& claim) {
    kube::Snapshot snapshot;
    snapshot.name = "uploading";
    snapshot.claim = claim;
    return snapshot;
}

std::vector<Guard> guards() {
    using Facts = restore::InPlaceFacts;
    return {
        {"an operator",
         [](Facts& f) {
             f.workload["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "postgresql.cnpg.io/v1"},
                                                                       {"kind", "Cluster"},
                                                                       {"name", "db"},
                                                                       {"controller", true}}});
         },
         "CloudNativePG"},
        {"Argo CD",
         [](Facts& f) {
             f.workload["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/StatefulSet:shop/db";
         },
         "Argo CD application shop"},
        {"Flux", [](Facts& f) { f.workload["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "apps"; },
         "Flux kustomization apps"},
        {"Flux, seen to run",
         [](Facts& f) {
             f.workload["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "apps";
             f.deployer_paused = false;
         },
         "which is not paused"},
        {"KEDA",
         [](Facts& f) {
             f.autoscalers.push_back(Json::parse(
                 R"({"metadata": {"name": "keda-hpa-db", "labels": {"scaledobject.keda.sh/name": "db"}},
                     "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}}})"));
         },
         "KEDA"},
        {"a foreign pod",
         [](Facts& f) {
             Json pod = testing::live_pod(1);
             pod["metadata"] = {{"name", "backup"}, {"namespace", "shop"}};
             f.pods.push_back(pod);
         },
         "pod/shop/backup mounts pvc/shop/data-db-1"},
        {"a foreign pod that has ended: it keeps the claim from being deleted",
         [](Facts& f) {
             Json pod = testing::live_pod(1);
             pod["metadata"] = {{"name", "backup"}, {"namespace", "shop"}};
             pod["status"]["phase"] = "Succeeded";
             f.pods.push_back(pod);
         },
         "pod/shop/backup has ended"},
        {"a lost node",
         [](Facts& f) {
             f.pods[0]["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z";
             f.pods[0]["status"]["conditions"] = Json::array(
                 {{{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "DeletionByTaintManager"}}});
         },
         "lost node"},
        {"another major version",
         [](Facts& f) { f.workload["spec"]["template"]["spec"]["containers"][0]["image"] = "postgres:16"; },
         "major version 15"},
        {"an unready snapshot", [](Facts& f) { f.snapshots = {unready("data-db-1")}; }, "vs/shop/uploading"},
        {"a smaller attributes class",
         [](Facts& f) { f.claims["data-db-0"]["spec"]["volumeAttributesClassName"] = "gold"; },
         "volumeAttributesClassName"},
        {"another access mode in the template",
         [](Facts& f) { f.workload["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] = {"ReadWriteMany"}; },
         "access mode ReadWriteMany"},
        {"another volume mode in the template",
         [](Facts& f) { f.workload["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Block"; },
         "volumeMode Block"},
        {"an owner of a claim",
         [](Facts& f) {
             f.claims["data-db-0"]["metadata"]["ownerReferences"] =
                 Json::array({{{"kind", "Application"}, {"name", "shop"}, {"uid", "uid-app"}}});
         },
         "owned by Application/shop"},
        {"a finalizer of somebody's on a claim",
         [](Facts& f) {
             f.claims["data-db-1"]["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection", "backup.example/keep"};
         },
         "pvc/shop/data-db-1 has the finalizer backup.example/keep"},
        {"skew", [](Facts& f) { f.source.record->consistency = "none"; }, "consistency: none"},
        {"an incomplete set", [](Facts& f) { f.source.members[1].snapshot.reset(); }, "incomplete"},
        {"another number of replicas", [](Facts& f) { f.workload["spec"]["replicas"] = 3; }, "ordinals 0, 1, 2"},
        {"a claim that is not bound", [](Facts& f) { f.claims["data-db-0"]["status"]["phase"] = "Pending"; },
         "not Bound"},
        {"a claim that is gone", [](Facts& f) { f.claims.erase("data-db-0"); }, "does not exist"},
        {"a volume of another claim", [](Facts& f) { f.volumes["old-0"]["spec"]["claimRef"]["uid"] = "uid-other"; },
         "does not point back"},
    };
}

}  // namespace

TEST_CASE("restore in place: every guard refuses, names its fact and says that nothing was changed") {
    REQUIRE(choose(in_place_facts()).ok());
    for (const Guard& guard : guards()) {
        CAPTURE(guard.name);
        auto facts = in_place_facts();
        guard.break_it(facts);
        const auto refused = choose(facts);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == ErrorKind::kRefused);
        CAPTURE(refused.error().message);
        CHECK(refused.error().message.find(guard.says) != std::string::npos);
        CHECK(refused.error().message.find("nothing was changed") != std::string::npos);
    }
}

TEST_CASE("R17: an undo is not for a workload of another major version than was ready on the kept volumes") {
    auto facts = in_place_facts();
    const auto ready = [&](int pods) {
        facts.workload["status"] = {{"observedGeneration", 9},
                                    {"replicas", 2},
                                    {"readyReplicas", pods},
                                    {"currentRevision", "a"},
                                    {"updateRevision", "a"}};
    };
    const auto image = [&](const char* name) {
        facts.workload["spec"]["template"]["spec"]["containers"][0]["image"] = name;
    };
    ready(2);
    CHECK(restore::database_image(facts) == "postgres:15");
    CHECK(choose(facts)->record.image == "postgres:15");
    // Not ready: what is on the volumes may be of another version, which is why they are taken out.
    ready(1);
    CHECK(restore::database_image(facts).empty());
    ready(2);
    facts.workload["status"]["updateRevision"] = "b";
    CHECK(restore::database_image(facts).empty());
    const auto check = [&](const std::string& kept) {
        return restore::check_kept_version(facts, "in-place-db-1", kept);
    };
    CHECK(check("postgres:15").ok());
    image("postgres:15.4-alpine");
    CHECK(check("postgres:15").ok());
    image("postgres:16");
    CHECK(check("").ok());
    CHECK(check("other:15").ok());
    REQUIRE_FALSE(check("postgres:15").ok());
    CHECK(check("postgres:15").error().kind == ErrorKind::kRefused);
    CHECK(check("postgres:15").error().hint == "set the workload's image back to postgres:15 first");
}

TEST_CASE("what is paused, accepted or merely installed by Helm is not refused") {
    auto facts = in_place_facts();
    facts.workload["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:x";
    auto options = in_place_options();
    options.gitops_paused = true;
    CHECK(choose(facts, options).ok());
    facts = in_place_facts();
    facts.workload["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "apps";
    facts.deployer_paused = true;
    CHECK(choose(facts).ok());
    facts = in_place_facts();
    facts.workload["metadata"]["annotations"]["meta.helm.sh/release-name"] = "shop";
    CHECK(choose(facts).ok());
    facts = in_place_facts();
    facts.source.record->consistency = "none";
    options = in_place_options();
    options.accept_skew = true;
    CHECK(choose(facts, options).ok());
}

TEST_CASE("R1: a claim whose volume is being swapped for another workload that mounts it is left alone") {
    auto facts = in_place_facts();
    const std::string volume = kube::volume_of_claim(facts.claims.at("data-db-0"));
    restore::SwapMark mark;
    mark.operation = "in-place-other-abcde";
    mark.claim = "data-db-0";
    mark.claim_uid = kube::uid_of(facts.claims.at("data-db-0"));
    mark.workload = "deploy/shop/other";
    mark.taken_out = true;
    facts.volumes.at(volume)["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
    const auto refused = choose(facts);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kLocked);
    CHECK(refused.error().message ==
          "the volume of pvc/shop/data-db-0 is being swapped by operation in-place-other-abcde for deploy/shop/other, "
          "which is unfinished; nothing was changed");
    CHECK(refused.error().hint ==
          "to go on: kubectl restore resume in-place-other-abcde -n shop; whether it can be taken back says: kubectl "
          "restore abort in-place-other-abcde -n shop --dry-run");
    mark.claim_uid = "uid-of-one-before";  // that swap came to its end
    facts.volumes.at(volume)["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
    CHECK(choose(facts).ok());
}

TEST_CASE("R9: the new volume is as large as the largest of what asks for it") {
    auto facts = in_place_facts();
    CHECK(choose(facts)->record.swaps[0].request == "2Gi");
    facts.workload["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "3Gi";
    CHECK(choose(facts)->record.swaps[0].request == "3Gi");
    facts.claims["data-db-0"]["status"]["capacity"]["storage"] = "5Gi";
    CHECK(choose(facts)->record.swaps[0].request == "5Gi");
    CHECK(choose(facts)->record.swaps[1].request == "3Gi");
    facts.source.members[1].snapshot->restore_size = 7LL << 30;
    CHECK(choose(facts)->record.swaps[1].request == "7Gi");
}

TEST_CASE("R9: a bare claim is held against the template of the StatefulSet that would make it anew, too") {
    auto facts = in_place_facts();
    auto options = in_place_options();
    options.target = {kube::kClaims, "shop", "data-db-0"};
    facts.holder = std::move(facts.workload);
    facts.workload = nullptr;
    facts.holder["spec"]["replicas"] = 0;
    facts.pods.clear();
    REQUIRE(choose(facts, options).ok());
    CHECK_FALSE(choose(facts, options)->record.workload.exists());
    auto larger = facts;
    larger.holder["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "3Gi";
    CHECK(choose(larger, options)->record.swaps[0].request == "3Gi");
    auto other = facts;
    other.holder["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Block";
    const auto refused = choose(other, options);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message.find("the template data of sts/shop/db") != std::string::npos);
}

TEST_CASE("the plan warns of what the way back will not do: a volume that grows, a rollout that goes on") {
    const auto says = [](const restore::InPlaceFacts& facts, const std::string& words) {
        const auto choice = choose(facts);
        REQUIRE(choice.ok());
        const auto& notes = choice->notes;
        return std::any_of(notes.begin(), notes.end(),
                           [&](const std::string& note) { return note.find(words) != std::string::npos; });
    };
    auto facts = in_place_facts();
    CHECK_FALSE(says(facts, "WARNING"));
    facts.workload["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "3Gi";
    CHECK(says(facts, "undo` will be refused: pvc/data-db-0 grows to 3Gi"));
    facts = in_place_facts();
    facts.workload["status"]["currentRevision"] = facts.workload["status"]["updateRevision"] = "db-1";
    CHECK_FALSE(says(facts, "WARNING"));
    facts.workload["status"]["updateRevision"] = "db-2";
    CHECK(says(facts, "sts/shop/db is in the middle of a rollout"));
}

TEST_CASE("one ordinal: those below it run on") {
    auto options = in_place_options();
    options.ordinal = 1;
    const auto choice = choose(in_place_facts(3), options);
    REQUIRE(choice.ok());
    CHECK(choice->record.swaps.size() == 1);
    CHECK(choice->record.swaps[0].claim == "data-db-1");
    CHECK(choice->record.workload.stopped == 1);
    options.ordinal = 7;
    CHECK(choose(in_place_facts(3), options).error().kind == ErrorKind::kRefused);
}

TEST_CASE("the claim that stands in for one with a long name has a name itself, and begins with its operation's id") {
    CHECK(restore::temporary_name("in-place-db-abcde", "data-db-0") == "in-place-db-abcde-data-db-0");
    for (const std::size_t length : {54, 60, 64, 120, 253}) {
        const std::string name = restore::temporary_name(std::string(45, 'o') + "-abcd", std::string(length, 'c'));
        CAPTURE(name);
        CHECK(check_dns_subdomain(name, "name").ok());
        CHECK(starts_with(name, std::string(45, 'o') + "-abcd-c"));
    }
}

TEST_CASE("a bare claim is refused while a pod mounts it, and the pod is named") {
    auto options = in_place_options();
    options.target = {kube::kClaims, "shop", "data-db-0"};
    auto facts = in_place_facts();
    facts.workload = Json();
    const auto refused = choose(facts, options);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("pod/shop/db-0 mounts pvc/shop/data-db-0") != std::string::npos);
    facts.pods.clear();
    const auto choice = choose(facts, options);
    REQUIRE(choice.ok());
    CHECK_FALSE(choice->record.workload.exists());
    CHECK(choice->record.swaps.size() == 1);
}

TEST_CASE("a Deployment's own pods are told by the hash of its template: those of web-admin are not web's") {
    restore::SwapRecord record;
    record.workload.ref = {kube::kDeployments, "shop", "web"};
    record.workload.uid = "uid-web";
    Json pod = testing::live_pod(0);
    const auto owned_by = [&](const std::string& set, const std::string& hash) {
        pod["metadata"]["labels"] = {{"pod-template-hash", hash}};
        pod["metadata"]["ownerReferences"] =
            Json::array({{{"kind", "ReplicaSet"}, {"name", set}, {"uid", "uid-set"}, {"controller", true}}});
        return plan::is_pod_of(record.workload, pod);
    };
    CHECK(owned_by("web-6bb4865f66", "6bb4865f66"));
    CHECK_FALSE(owned_by("web-admin-6bb4865f66", "6bb4865f66"));
    CHECK_FALSE(owned_by("web-admin-6bb4865f66", "admin-6bb4865f66x"));
    CHECK_FALSE(owned_by("web-", ""));
    record.workload.ref.name = std::string(253, 'w');
    CHECK(owned_by(std::string(242, 'w') + "-6bb4865f66", "6bb4865f66"));
}

TEST_CASE("the claim of a pod's generic ephemeral volume is mounted by it, and dies with it") {
    auto facts = in_place_facts();
    auto options = testing::in_place_options();
    options.target = {kube::kClaims, "shop", "data-db-1"};
    facts.workload = Json();
    facts.pods.clear();
    REQUIRE(restore::choose_in_place(options, facts, kOperationId, testing::some_time()).ok());
    Json& owners = facts.claims["data-db-1"]["metadata"]["ownerReferences"];
    owners = Json::array({{{"kind", "Pod"}, {"name", "data"}, {"uid", "uid-pod"}, {"controller", true}}});
    const auto owned = restore::choose_in_place(options, facts, kOperationId, testing::some_time());
    REQUIRE_FALSE(owned.ok());
    CHECK(owned.error().message.find("owned by Pod/data") != std::string::npos);
    owners = Json::array();
    Json pod = testing::live_pod(1);
    pod["metadata"]["name"] = "data";
    pod["spec"]["volumes"] = Json::array({{{"name", "db-1"}, {"ephemeral", Json::object()}}});
    facts.pods = {pod};
    const auto mounted = restore::choose_in_place(options, facts, kOperationId, testing::some_time());
    REQUIRE_FALSE(mounted.ok());
    CHECK(mounted.error().message.find("pod/shop/data mounts pvc/shop/data-db-1") != std::string::npos);
}

TEST_CASE("the plan says which writes are lost, and which newer sets there are") {
    auto facts = in_place_facts();
    kube::SnapshotSet newer = *facts.source.record;
    newer.name = "morning";
    newer.created_at = "2026-11-21T04:00:00Z";
    facts.sets = {newer};
    const auto notes = choose(facts)->notes;
    REQUIRE_FALSE(notes.empty());
    CHECK(notes[0] == "writes that will be lost: those since 2026-11-21T02:00:11Z, 3h12m; newer sets: morning");
}

TEST_CASE("the pods that look mount read-only, without fsGroup, with the workload's own image") {
    const auto facts = in_place_facts();
    const auto choice = choose(facts).value();
    const auto live = restore::live_source(facts.source, choice.members, facts.workload, facts.pods);
    const auto proof = restore::prepare_proof(live, choice.record, kOperationId, "").value();
    const auto plan = restore::plan_proof(proof, live, choice.record, kOperationId);
    golden::check("restore/swap-prove.json", plan::to_json(plan).dump(2) + "\n");
}

TEST_CASE("--ordinal of a workload that its owner has stopped starts nothing") {
    auto facts = in_place_facts();
    facts.workload["spec"]["replicas"] = 0;
    facts.pods.clear();
    auto options = testing::in_place_options();
    options.ordinal = 1;
    const auto choice = restore::choose_in_place(options, facts, testing::kOperationId, testing::some_time());
    REQUIRE(choice.ok());
    CHECK(choice->record.workload.stopped == 0);
}

TEST_CASE("an autoscaler rests at 0 replicas only: with an ordinal whose lower ones run on it is refused") {
    auto facts = in_place_facts();
    facts.autoscalers.push_back(Json::parse(
        R"({"metadata": {"name": "busy"}, "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}}})"));
    auto options = testing::in_place_options();
    options.ordinal = 0;
    CHECK(restore::choose_in_place(options, facts, testing::kOperationId, testing::some_time()).ok());
    options.ordinal = 1;
    const auto refused = restore::choose_in_place(options, facts, testing::kOperationId, testing::some_time());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message.find("hpa/busy scales") != std::string::npos);
}
