#include "plugins/snap/create_plan.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/view/plan_view.h"
#include "tests/unit/snap/snap_support.h"
#include "tests/unit/support/step_ids.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::snap;
using namespace holdfast::snap::testing;
using holdfast::testing::ids;

namespace {

void refuses(const Result<CutPlan>& result, ErrorKind kind, std::initializer_list<const char*> parts) {
    REQUIRE_FALSE(result.ok());
    const std::string text = result.error().message + "\n" + result.error().hint;
    CAPTURE(text);
    CHECK(result.error().kind == kind);
    for (const char* part : parts) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

const plan::Step* step(const plan::Plan& plan, const std::string& id) {
    for (const plan::Step& one : plan.steps) {
        if (one.id == id) return &one;
    }
    return nullptr;
}

std::string notes(const plan::Plan& plan) {
    std::string all;
    for (const std::string& note : plan.notes) all += note + "\n";
    return all;
}

const Json& manifest(const plan::Plan& plan, const std::string& id) {
    return std::get<plan::Create>(step(plan, id)->action).manifest;
}

}  // namespace

TEST_CASE("the plan of a StatefulSet") {
    const auto result = cut(base_facts());
    REQUIRE(result.ok());
    golden::check("snap/create.txt", view::plan_text(result->plan, false) + view::permissions_text(result->plan));
    golden::check("snap/create-vs.json", manifest(result->plan, "create-vs-0").dump(2) + "\n");
    golden::check(
        "snap/create-set.json",
        Json::parse(manifest(result->plan, "create-set")["data"]["set.json"].get<std::string>()).dump(2) + "\n");
    CHECK_FALSE(result->plan.last);
}

TEST_CASE("no literal secret of the workload reaches the set or a snapshot") {
    const auto result = cut(base_facts(), {{"pre", {"true"}}, {"post", {"true"}}});
    REQUIRE(result.ok());
    for (const plan::Step& one : result->plan.steps) {
        if (const auto* create = std::get_if<plan::Create>(&one.action))
            CHECK(create->manifest.dump().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("hooks run before the cut and let go after it in reverse, whatever happens") {
    const auto result = cut(base_facts(), {{"pre", {"freeze"}}, {"post", {"thaw"}}, {"hold", {"lock"}}});
    REQUIRE(result.ok());
    golden::check("snap/create-quiesced.txt", view::plan_text(result->plan, false));
    CHECK(ids(result->plan) == std::vector<std::string>{"create-set", "app-facts", "pre-0", "pre-1", "hold-0", "hold-1",
                                                        "create-vs-0", "create-vs-1", "cut", "release-1", "release-0",
                                                        "post-1", "post-0"});
    for (const char* id : {"release-0", "release-1", "post-0", "post-1"}) CHECK(step(result->plan, id)->always);
    CHECK(step(result->plan, "create-vs-0")->after == std::vector<std::string>{"hold-1"});
    CHECK(step(result->plan, "cut")->limit == std::chrono::seconds(120));
    const auto& post = std::get<plan::Exec>(step(result->plan, "post-1")->action);
    CHECK(post.argv == std::vector<std::string>{"sh", "-c", "thaw"});
    CHECK(post.pod == "postgres-1");
    CHECK(post.pod_uid == "pod-uid-1");
    CHECK(post.container == "postgres");
}

TEST_CASE("a set is begun as incomplete and without a claim to consistency") {
    const auto result = cut(base_facts(), {{"pre", {"true"}}, {"post", {"true"}}});
    const auto set = kube::set_from_config_map(manifest(result->plan, "create-set"));
    REQUIRE(set.ok());
    CHECK_FALSE(set->complete);
    CHECK(set->consistency == "none");
    CHECK(set->members[1].node == "node-b");
    CHECK(set->members[1].size_bytes == 300LL << 20);
}

TEST_CASE("after a crash the hooks run again only while something is still to be cut") {
    Json facts = base_facts();
    for (int i = 0; i < 2; ++i) {
        facts["snapshots"].push_back({{"metadata",
                                       {{"name", "first-data-postgres-" + std::to_string(i)},
                                        {"labels", {{labels::kOperation, "snap-postgres-abcde"}}}}}});
    }
    const std::map<std::string, std::vector<std::string>> hooks{{"pre", {"freeze"}}, {"post", {"thaw"}}};
    auto result = cut(facts, hooks);
    REQUIRE(result.ok());
    CHECK_FALSE(result->fresh);
    CHECK(step(result->plan, "pre-0") != nullptr);
    CHECK(notes(result->plan).find("recorded as none") != std::string::npos);

    for (Json& snapshot : facts["snapshots"])
        snapshot["status"] = {{"boundVolumeSnapshotContentName", "c"}, {"creationTime", "2026-11-21T04:30:01Z"}};
    result = cut(facts, hooks);
    REQUIRE(result.ok());
    CHECK(step(result->plan, "pre-0") == nullptr);
    REQUIRE(step(result->plan, "post-0") != nullptr);  // what an earlier run froze must thaw
    CHECK(step(result->plan, "post-0")->after == std::vector<std::string>{"cut"});
}

TEST_CASE("bad input 55: a claim that is not bound is named with its ordinal and the reason") {
    Json facts = base_facts();
    facts["claims"][1]["status"]["phase"] = "Pending";
    facts["explanations"]["data-postgres-1"] = "storage class nope does not exist";
    refuses(cut(facts), ErrorKind::kRefused,
            {"pvc/shop/data-postgres-1 (ordinal 1) is not bound but Pending: storage class nope does not exist",
             "nothing was changed"});
    facts["claims"].erase(1);
    refuses(cut(facts), ErrorKind::kRefused, {"pvc/shop/data-postgres-1 (ordinal 1) does not exist"});
}

TEST_CASE("bad input 56: two default classes for the driver are listed to choose from") {
    Json facts = base_facts();
    facts["classes"][1]["metadata"]["annotations"] = {{"snapshot.storage.kubernetes.io/is-default-class", "true"}};
    refuses(cut(facts), ErrorKind::kRefused,
            {"2 default VolumeSnapshotClasses: fast, fast-retain", "--snapshot-class", "nothing was changed"});
    const auto chosen = cut(facts, {{"snapshot-class", {"fast-retain"}}});
    REQUIRE(chosen.ok());
    CHECK(manifest(chosen->plan, "create-vs-0")["spec"]["volumeSnapshotClassName"] == "fast-retain");
}

TEST_CASE("bad input 57: a class of another driver is refused with both names") {
    refuses(cut(base_facts(), {{"snapshot-class", {"slow"}}}), ErrorKind::kRefused,
            {"VolumeSnapshotClass slow is for driver slow.csi.test", "driver fast.csi.test", "fast, fast-retain"});
    refuses(cut(base_facts(), {{"snapshot-class", {"gone"}}}), ErrorKind::kRefused,
            {"there is no VolumeSnapshotClass gone", "fast, fast-retain"});
}

TEST_CASE("a driver without a class is refused with the remedy, a single one is taken with a note") {
    Json facts = base_facts();
    facts["classes"] = Json::array({base_facts()["classes"][2]});
    refuses(cut(facts), ErrorKind::kRefused,
            {"no VolumeSnapshotClass is for driver fast.csi.test", "driver: fast.csi.test", "slow (slow.csi.test)"});
    facts["classes"] = Json::array({base_facts()["classes"][1]});
    const auto single = cut(facts);
    REQUIRE(single.ok());
    CHECK(notes(single->plan).find("class fast-retain is taken as the only one") != std::string::npos);
    CHECK(notes(single->plan).find("deletionPolicy Delete") == std::string::npos);
    facts["classes"].push_back(base_facts()["classes"][0]);
    facts["classes"][1]["metadata"].erase("annotations");
    refuses(cut(facts), ErrorKind::kRefused, {"several VolumeSnapshotClasses and no default: fast, fast-retain"});
}

TEST_CASE("bad input 60: a name that another operation or tool holds is busy, a finished set of ours is refused") {
    Json facts = base_facts();
    const auto mine = cut(facts);
    Json object = manifest(mine->plan, "create-set");
    object["metadata"]["labels"][labels::kOperation] = "snap-postgres-other";
    facts["set"] = object;
    refuses(cut(facts), ErrorKind::kLocked,
            {"set/shop/first is being made by operation snap-postgres-other", "kubectl snap status"});

    kube::SnapshotSet set = *kube::set_from_config_map(object);
    set.complete = true;
    set.operation = "snap-postgres-other";
    facts["set"] = kube::set_to_config_map(set);
    refuses(cut(facts), ErrorKind::kRefused,
            {"set/shop/first exists already", "kubectl snap describe first", "kubectl snap delete first"});

    facts["set"] = {{"metadata", {{"name", "holdfast-set-first"}, {"namespace", "shop"}}}, {"data", {{"x", "y"}}}};
    refuses(cut(facts), ErrorKind::kLocked, {"the name is taken by configmap/shop/holdfast-set-first", "--name"});

    facts = base_facts();
    facts["snapshots"].push_back({{"metadata", {{"name", "first-data-postgres-0"}}}});
    refuses(cut(facts), ErrorKind::kLocked, {"vs/shop/first-data-postgres-0 exists and was made by someone else"});
}

TEST_CASE("bad input 10: a namespace that is going away takes nothing in") {
    Json facts = base_facts();
    facts["spaceTerminating"] = true;
    refuses(cut(facts), ErrorKind::kRefused, {"namespace shop is terminating"});
}

TEST_CASE("bad input 45: a cluster without the snapshot API is told what to install") {
    Json facts = base_facts();
    facts["hasSnapshotAPI"] = false;
    refuses(cut(facts), ErrorKind::kRefused,
            {"no snapshot API", "install the CRDs and the snapshot-controller", "nothing was changed"});
}

TEST_CASE("a volume that is no CSI volume, not its claim's, or gone is refused") {
    Json facts = base_facts();
    facts["volumes"][0]["spec"].erase("csi");
    facts["volumes"][0]["spec"]["hostPath"] = {{"path", "/x"}};
    refuses(cut(facts), ErrorKind::kRefused,
            {"pvc/shop/data-postgres-0 (ordinal 0)", "pv/pv-0 is of type hostPath, not a CSI volume"});
    facts = base_facts();
    facts["volumes"][1]["spec"]["claimRef"]["uid"] = "other";
    refuses(cut(facts), ErrorKind::kRefused, {"pv/pv-1 belongs to another claim"});
    facts["volumes"].erase(1);
    refuses(cut(facts), ErrorKind::kRefused, {"its volume pv/pv-1 is not there"});
    facts = base_facts();
    facts["claims"][0]["metadata"]["deletionTimestamp"] = "2026-11-21T04:29:00Z";
    refuses(cut(facts), ErrorKind::kRefused, {"data-postgres-0 (ordinal 0) is being deleted"});
}

TEST_CASE("a quota without room is found before the first snapshot") {
    Json facts = base_facts();
    facts["quotas"].push_back({{"metadata", {{"name", "few"}}},
                               {"status",
                                {{"hard", {{"count/volumesnapshots.snapshot.storage.k8s.io", "3"}}},
                                 {"used", {{"count/volumesnapshots.snapshot.storage.k8s.io", "2"}}}}}});
    refuses(cut(facts), ErrorKind::kRefused,
            {"resourcequota/shop/few allows 3 snapshots, 2 are used, and 2 more are needed"});
    facts["quotas"][0]["status"]["used"] = {{"count/volumesnapshots.snapshot.storage.k8s.io", "1"}};
    CHECK(cut(facts).ok());
}

TEST_CASE("claims of ordinals that are scaled away are named, and are all there is of a stopped set") {
    Json facts = base_facts();
    facts["workloads"][0]["spec"]["replicas"] = 1;
    const auto fewer = cut(facts);
    REQUIRE(fewer.ok());
    CHECK(fewer->set.members.size() == 1);
    CHECK(notes(fewer->plan).find("not taken, since sts/postgres has only 1 replicas: data-postgres-1") !=
          std::string::npos);
    facts["workloads"][0]["spec"]["replicas"] = 0;
    facts["pods"] = Json::array();
    const auto stopped = cut(facts);
    REQUIRE(stopped.ok());
    CHECK(stopped->set.members.size() == 2);
    CHECK(stopped->set.members[1].ordinal == 1);
    CHECK(step(stopped->plan, "app-facts") == nullptr);
    refuses(cut(facts, {{"pre", {"true"}}}), ErrorKind::kRefused, {"no pod of sts/postgres runs"});
}

TEST_CASE("--claim adds what the pod template mounts, and nothing else") {
    Json facts = base_facts();
    facts["workloads"][0]["spec"]["template"]["spec"]["volumes"] =
        Json::parse(R"([{"name": "c", "persistentVolumeClaim": {"claimName": "config"}}])");
    Json extra = facts["claims"][0];
    extra["metadata"]["name"] = "config";
    extra["metadata"]["uid"] = "claim-uid-c";
    extra["spec"]["volumeName"] = "pv-c";
    Json volume = facts["volumes"][0];
    volume["metadata"]["name"] = "pv-c";
    volume["spec"]["claimRef"]["uid"] = "claim-uid-c";
    facts["claims"].push_back(extra);
    facts["volumes"].push_back(volume);
    const auto without = cut(facts);
    REQUIRE(without.ok());
    CHECK(without->set.members.size() == 2);
    CHECK(notes(without->plan).find("not taken: pvc/config") != std::string::npos);
    const auto with = cut(facts, {{"claim", {"config"}}});
    REQUIRE(with.ok());
    CHECK(with->set.members.size() == 3);
    CHECK(with->set.members[2].ordinal == -1);
    refuses(cut(facts, {{"claim", {"typo"}}}), ErrorKind::kRefused,
            {"--claim typo: sts/postgres does not mount it", "it mounts config"});
}

TEST_CASE("hooks need running pods and the container that was named") {
    Json facts = base_facts();
    facts["pods"][1]["status"]["phase"] = "Pending";
    refuses(cut(facts, {{"hold", {"lock"}}}), ErrorKind::kRefused, {"pod/shop/postgres-1", "its phase is Pending"});
    refuses(cut(base_facts(), {{"hold", {"lock"}}, {"container", {"nope"}}}), ErrorKind::kRefused,
            {"has no container nope", "postgres, exporter"});
}

TEST_CASE("without pods/exec the database is not asked, and the plan says so") {
    Json facts = base_facts();
    facts["mayExec"] = false;
    const auto result = cut(facts);
    REQUIRE(result.ok());
    CHECK(step(result->plan, "app-facts") == nullptr);
    CHECK(notes(result->plan).find("pods/exec is not allowed") != std::string::npos);
    CHECK(step(cut(base_facts(), {{"app", {"none"}}})->plan, "app-facts") == nullptr);
    CHECK(step(cut(base_facts())->plan, "app-facts")->optional);
}
