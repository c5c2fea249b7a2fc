#include "plugins/restore/reach.h"

#include "plugins/restore/undo_guards.h"
#include "swap_scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace holdfast;

namespace {

using Nodes = std::optional<std::vector<kube::Node>>;

Json zoned(const std::string& name, const std::string& claim, const std::string& zone) {
    Json volume = testing::live_volume(name, claim, "uid-" + claim, "Released", "Retain");
    volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"] =
        Json::array({{{"matchExpressions", Json::array({{{"key", "zone"}, {"operator", "In"}, {"values", {zone}}}})}}});
    return volume;
}

kube::Node node(const std::string& name, const std::string& zone, bool ready = true, bool cordoned = false) {
    return {name, {{"zone", zone}, {"disk", "ssd"}}, ready, cordoned};
}

struct Scene {
    restore::SwapRecord record = testing::swap_record();
    std::map<std::string, Json> incoming{{"data-db-0", zoned("kept-0", "data-db-0", "a")},
                                         {"data-db-1", zoned("kept-1", "data-db-1", "b")}};
    Json workload = testing::live_set(2);

    restore::Reach judge(const Nodes& nodes) const { return restore::judge_reach(record, incoming, workload, nodes); }
};

}  // namespace

TEST_CASE("a kept volume whose zone has no node any more is named, with where it could be reached") {
    const auto reach = Scene().judge(Nodes({node("node-a", "a")}));
    CHECK(reach.nowhere ==
          "no node can take pv/kept-1 (for pvc/data-db-1): it can only be reached where zone in (b), and no node is "
          "there");
    CHECK(Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b")})).nowhere.empty());
    CHECK(Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b")})).notes.empty());
}

TEST_CASE("nodes that take no new pods are warned of") {
    auto reach = Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b", true, true)}));
    CHECK(reach.nowhere.empty());
    REQUIRE(reach.notes.size() == 1);
    CHECK(reach.notes[0] ==
          "WARNING: pv/kept-1 (for pvc/data-db-1) can only be reached from node-b, which is cordoned: the pod stays "
          "Pending until one takes pods again (`kubectl get nodes`)");
    reach = Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b", false)}));
    REQUIRE(reach.notes.size() == 1);
    CHECK(reach.notes[0].find("node-b, which is not ready:") != std::string::npos);
    reach = Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b", false), node("node-c", "b", true, true)}));
    REQUIRE(reach.notes.size() == 1);
    CHECK(reach.notes[0].find("node-b, node-c, which are all cordoned or not ready:") != std::string::npos);
    CHECK(Scene().judge(Nodes({node("node-a", "a"), node("node-b", "b", false), node("node-c", "b")})).notes.empty());
}

TEST_CASE("nodes with a taint that the pods do not tolerate are warned of") {
    Scene scene;
    kube::Node tainted = node("node-b", "b");
    tainted.taints = {{"maintenance", "disk", "NoSchedule"}};
    auto reach = scene.judge(Nodes({node("node-a", "a"), tainted}));
    CHECK(reach.nowhere.empty());
    REQUIRE(reach.notes.size() == 1);
    CHECK(reach.notes[0] ==
          "WARNING: pv/kept-1 (for pvc/data-db-1) can only be reached from node-b, which is tainted with "
          "maintenance=disk:NoSchedule, which the pods do not tolerate: the pod stays Pending until one takes pods "
          "again (`kubectl get nodes`)");
    scene.workload["spec"]["template"]["spec"]["tolerations"] =
        Json::array({{{"key", "maintenance"}, {"operator", "Exists"}}});
    CHECK(scene.judge(Nodes({node("node-a", "a"), tainted})).notes.empty());
    scene.workload = Json();  // a claim by itself: nobody knows what its pods will tolerate
    CHECK(scene.judge(Nodes({node("node-a", "a"), tainted})).notes.empty());
}

TEST_CASE("the volumes of one pod must be reached from one node, and its template must allow that node") {
    Scene scene;
    scene.record.swaps[1].ordinal = 0;  // data and wal of one pod
    auto reach = scene.judge(Nodes({node("node-a", "a"), node("node-b", "b")}));
    CHECK(reach.nowhere ==
          "no node can take pv/kept-0 (for pvc/data-db-0) and pv/kept-1 (for pvc/data-db-1): they can only be reached "
          "where zone in (a), and zone in (b), and no node is there");
    scene = Scene();
    scene.workload["spec"]["template"]["spec"]["nodeSelector"] = {{"disk", "hdd"}};
    reach = scene.judge(Nodes({node("node-a", "a"), node("node-b", "b")}));
    CHECK(reach.nowhere.find("zone in (a), and the pods of sts/shop/db may not run there (node-a), by their "
                             "nodeSelector or node affinity") != std::string::npos);
    scene.workload["spec"]["template"]["spec"]["nodeSelector"] = {{"disk", "ssd"}};
    CHECK(scene.judge(Nodes({node("node-a", "a"), node("node-b", "b")})).nowhere.empty());
    scene.workload["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
                  ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] =
        zoned("x", "x", "b")["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
    CHECK_FALSE(scene.judge(Nodes({node("node-a", "a"), node("node-b", "b")})).nowhere.empty());
    // A Deployment's pods mount all of its claims.
    for (restore::Swap& swap : scene.record.swaps) swap.ordinal = -1;
    scene.workload = Json();
    CHECK_FALSE(scene.judge(Nodes({node("node-a", "a"), node("node-b", "b")})).nowhere.empty());
}

TEST_CASE("who may not list nodes is told that it was not looked at; who need not is not asked") {
    const auto reach = Scene().judge(std::nullopt);
    CHECK(reach.nowhere.empty());
    REQUIRE(reach.notes.size() == 2);
    CHECK(reach.notes[0] ==
          "not looked at, since you may not list nodes: whether there is a node for pv/kept-0 (for pvc/data-db-0), "
          "which can only be reached where zone in (a)");
    testing::FakeClock clock;
    testing::FakeCluster cluster(clock);
    const Json anywhere = testing::live_volume("kept", "data-db-0", ""), somewhere = zoned("kept", "data-db-0", "a");
    CHECK(restore::gather_nodes(cluster, {&anywhere}).value()->empty());
    CHECK(cluster.calls.empty());
    CHECK(restore::gather_nodes(cluster, {&anywhere, &somewhere}).value()->empty());
    CHECK(cluster.calls.size() == 1);
    cluster.fault = [](const std::string&, bool) {
        return std::optional(Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"});
    };
    CHECK_FALSE(restore::gather_nodes(cluster, {&somewhere}).value().has_value());
}

namespace {

restore::KeptOperation kept_operation() {
    restore::KeptOperation kept;
    kept.id = "in-place-db-abcde";
    restore::KeptVolume one;
    one.object = testing::live_volume("kept-0", "data-db-0", "uid-then", "Released", "Retain");
    one.volume = kube::volume_of(one.object);
    one.mark.claim = "data-db-0";
    kept.volumes.push_back(one);
    return kept;
}

}  // namespace

TEST_CASE("I6: a kept volume is not put back while somebody's own volume on the same disk is in use") {
    testing::FakeClock clock;
    testing::FakeCluster cluster(clock);
    cluster.put(kept_operation().volumes[0].object);
    Json rescue = testing::live_volume("rescue", "look", "uid-look", "Available");
    rescue["spec"]["csi"]["volumeHandle"] = "handle-kept-0";
    cluster.put(rescue);
    CHECK(restore::check_shared(cluster, kept_operation()).ok());
    rescue["status"]["phase"] = "Bound";
    cluster.put(rescue);
    const Status refused = restore::check_shared(cluster, kept_operation());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message ==
          "pv/rescue, which pvc/shop/look has, is the same disk as pv/kept-0: two would write to it; nothing was "
          "changed");
}

TEST_CASE("a kept volume of a driver that no node has any more is not put back") {
    testing::FakeClock clock;
    testing::FakeCluster cluster(clock);
    std::vector<std::string> notes;
    restore::InPlaceFacts facts = testing::in_place_facts();
    const restore::SwapRecord record = testing::swap_record();
    const auto look = [&] { return restore::check_driver(cluster, facts, record, kept_operation(), notes); };
    CHECK(look().ok());
    CHECK(cluster.calls.empty());  // of the driver that is at work nothing has to be asked
    for (auto& [name, volume] : facts.volumes) volume["spec"]["csi"]["driver"] = "new.example";
    const Status refused = look();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message ==
          "the driver fast.example of pv/kept-0 is registered on no node: the volume could not be mounted; what is on "
          "it is intact; nothing was changed");
    cluster.put({{"apiVersion", "storage.k8s.io/v1"},
                 {"kind", "CSINode"},
                 {"metadata", {{"name", "node-a"}}},
                 {"spec", {{"drivers", Json::array({{{"name", "fast.example"}, {"nodeID", "a"}}})}}}});
    CHECK(look().ok());
    CHECK(notes.empty());
    cluster.fault = [](const std::string&, bool) {
        return std::optional(Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"});
    };
    CHECK(look().ok());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0] ==
          "not looked at, since you may not list csinodes: whether a node has the driver fast.example of pv/kept-0");
}
