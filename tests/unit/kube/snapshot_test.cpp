#include "common/kube/objects/snapshot.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;

namespace {

Json bound_snapshot() {
    return Json::parse(R"({"metadata": {"name": "first", "namespace": "shop", "uid": "u-1",
        "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"holdfast.dev/set": "first"}},
      "spec": {"source": {"persistentVolumeClaimName": "data-0"}, "volumeSnapshotClassName": "fast"},
      "status": {"boundVolumeSnapshotContentName": "snapcontent-u-1", "creationTime": "2026-01-02T03:04:06Z",
        "readyToUse": true, "restoreSize": "256Mi"}})");
}

Json bound_content() {
    return Json::parse(R"({"metadata": {"name": "snapcontent-u-1", "uid": "c-1"},
      "spec": {"driver": "d", "deletionPolicy": "Delete", "volumeSnapshotClassName": "fast",
        "source": {"volumeHandle": "vol"}, "sourceVolumeMode": "Filesystem",
        "volumeSnapshotRef": {"namespace": "shop", "name": "first", "uid": "u-1"}},
      "status": {"creationTime": 1767323046123456789, "readyToUse": true, "restoreSize": 268435456,
        "snapshotHandle": "handle"}})");
}

}  // namespace

TEST_CASE("a size is read as a quantity from the snapshot and as an integer from the content") {
    CHECK(kube::snapshot_of(bound_snapshot()).restore_size == 268435456);
    CHECK(kube::content_of(bound_content()).restore_size == 268435456);
    Json odd = bound_snapshot();
    odd["status"]["restoreSize"] = "-5Gi";
    CHECK(kube::snapshot_of(odd).restore_size == std::nullopt);
    odd["status"].erase("restoreSize");
    CHECK(kube::snapshot_of(odd).restore_size == std::nullopt);
}

TEST_CASE("nanoseconds of the content become a time with microseconds") {
    CHECK(kube::content_of(bound_content()).cut_at == "2026-01-02T03:04:06.123456Z");
}

TEST_CASE("a snapshot and its content must point at each other") {
    const kube::Snapshot snapshot = kube::snapshot_of(bound_snapshot());
    CHECK(kube::bound_both_ways(snapshot, kube::content_of(bound_content())));
    for (const char* pointer : {"/spec/volumeSnapshotRef/uid", "/spec/volumeSnapshotRef/name",
                                "/spec/volumeSnapshotRef/namespace", "/metadata/name"}) {
        CAPTURE(pointer);
        Json other = bound_content();
        other[Json::json_pointer(pointer)] = "other";
        CHECK_FALSE(kube::bound_both_ways(snapshot, kube::content_of(other)));
    }
    Json unbound = bound_snapshot();
    unbound["status"].erase("boundVolumeSnapshotContentName");
    CHECK_FALSE(kube::bound_both_ways(kube::snapshot_of(unbound), kube::content_of(bound_content())));
}

TEST_CASE("cut is a moment and a bound content, not readiness") {
    Json object = bound_snapshot();
    object["status"]["readyToUse"] = false;
    CHECK(kube::is_cut(kube::snapshot_of(object)));
    object["status"].erase("creationTime");
    CHECK_FALSE(kube::is_cut(kube::snapshot_of(object)));
    object.erase("status");
    CHECK_FALSE(kube::is_cut(kube::snapshot_of(object)));
}

TEST_CASE("a driver's message cannot move the cursor") {
    Json object = bound_snapshot();
    object["status"]["error"] = {{"message", "no\x1b[2Jspace\r\n\x07"}};
    const std::string error = kube::snapshot_of(object).error;
    for (const char byte : {'\x1b', '\r', '\n', '\x07'}) CHECK(error.find(byte) == std::string::npos);
}

TEST_CASE("a volume names its driver, or what it is instead") {
    CHECK(kube::volume_source_of(Json::parse(R"({"spec": {"csi": {"driver": "d", "volumeHandle": "h"}}})")).driver ==
          "d");
    const auto local = kube::volume_source_of(Json::parse(
        R"({"spec": {"capacity": {"storage": "1Gi"}, "claimRef": {"name": "x"}, "hostPath": {"path": "/x"}, "nodeAffinity": {}}})"));
    CHECK(local.driver.empty());
    CHECK(local.kind == "hostPath");
}

TEST_CASE("objects of any shape give empty values") {
    for (const char* text : {"null", "[]", "{}", R"({"metadata": 3, "spec": "x", "status": []})"}) {
        CHECK(kube::snapshot_of(Json::parse(text)).name.empty());
        CHECK(kube::content_of(Json::parse(text)).driver.empty());
        CHECK(kube::snapshot_class_of(Json::parse(text)).driver.empty());
        CHECK(kube::volume_source_of(Json::parse(text)).kind.empty());
    }
}
