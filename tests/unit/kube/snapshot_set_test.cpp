#include "common/kube/objects/snapshot_set.h"

#include "common/kube/objects/labels.h"

#include <doctest/doctest.h>

using namespace holdfast;
using kube::SnapshotSet;

namespace {

kube::SetMember member(int ordinal) {
    kube::SetMember m;
    m.claim = "data-postgres-" + std::to_string(ordinal);
    m.claim_uid = "claim-uid-" + std::to_string(ordinal);
    m.claim_template = "data";
    m.ordinal = ordinal;
    m.snapshot = "first-" + m.claim;
    m.snapshot_uid = "snapshot-uid-" + std::to_string(ordinal);
    m.volume = "pv-" + std::to_string(ordinal);
    m.driver = "fast.csi.test";
    m.snapshot_class = "fast";
    m.storage_class = "fast";
    m.volume_mode = "Filesystem";
    m.access_modes = {"ReadWriteOnce"};
    m.size_bytes = 268435456;
    m.pod = "postgres-" + std::to_string(ordinal);
    m.node = "node-a";
    m.cut_at = "2026-01-02T03:04:0" + std::to_string(5 + ordinal) + ".250000Z";
    return m;
}

SnapshotSet example() {
    SnapshotSet set;
    set.name = "first";
    set.space = "shop";
    set.complete = true;
    set.consistency = "quiesced";
    set.skew_ms = 1000;
    set.created_at = "2026-01-02T03:04:05Z";
    set.target = "sts/postgres";
    set.workload_kind = "StatefulSet";
    set.workload_name = "postgres";
    set.workload_uid = "sts-uid";
    set.replicas = 2;
    set.operation = "snap-postgres-abcd";
    set.members = {member(0), member(1)};
    set.app = {"postgres", "15", "7300000000000000001", "1", "/data/pgdata"};
    kube::ContainerFacts container;
    container.name = "postgres";
    container.image = "postgres:15";
    container.image_id = "postgres@sha256:ab";
    container.env = Json::parse(R"([{"name": "PGDATA", "value": "/data/pgdata"}, {"name": "X", "value": "y"}])");
    container.volume_mounts = Json::parse(R"([{"name": "data", "mountPath": "/data"}])");
    container.pod_security_context = {{"runAsUser", 999}};
    set.containers = {container};
    set.workload_manifest = {{"kind", "StatefulSet"}};
    set.user_labels = {{"team", "a"}};
    set.verified_level = "started";
    set.verified_at = "2026-01-03T00:00:00Z";
    set.verified_by = "drill-first-abcd";
    set.verified_detail = "1 of 1 ordinals";
    return set;
}

// Snapshots as create would have made them and the controllers would have filled them in.
std::vector<Json> snapshots_of(const SnapshotSet& set, bool proven) {
    std::vector<Json> snapshots;
    for (const kube::SetMember& m : set.members) {
        Json snapshot = {{"metadata", {{"name", m.snapshot}, {"namespace", set.space}, {"uid", m.snapshot_uid}}},
                         {"status", {{"creationTime", m.cut_at}}}};
        snapshot["metadata"]["annotations"] = {{labels::kRecord, kube::member_record(set, m).dump()},
                                               {labels::kSetSummary, kube::set_summary(set, proven).dump()}};
        snapshots.push_back(std::move(snapshot));
    }
    return snapshots;
}

}  // namespace

TEST_CASE("a set survives being written to a ConfigMap and read again") {
    const SnapshotSet set = example();
    const Json config_map = kube::set_to_config_map(set);
    CHECK(config_map["metadata"]["name"] == "holdfast-set-first");
    CHECK(config_map["metadata"]["labels"][labels::kSet] == "first");
    CHECK(config_map["metadata"]["labels"]["team"] == "a");
    const auto read = kube::set_from_config_map(config_map);
    REQUIRE(read.ok());
    CHECK(kube::set_record(*read) == kube::set_record(set));
    CHECK(read->members[1].cut_at == set.members[1].cut_at);
    CHECK(read->containers[0].pod_security_context["runAsUser"] == 999);
    CHECK(read->verified_level == "started");
}

TEST_CASE("a user's label cannot take the place of ours") {
    SnapshotSet set = example();
    set.user_labels = {{labels::kRole, "journal"}};
    CHECK(kube::set_to_config_map(set)["metadata"]["labels"][labels::kRole] == "set");
}

TEST_CASE("a damaged set names its object and says that the snapshots are intact") {
    const Json good = kube::set_to_config_map(example());
    const auto broken = [&](const char* text) {
        Json copy = good;
        copy["data"]["set.json"] = text;
        return kube::set_from_config_map(copy);
    };
    for (const char* text :
         {"", "{", "[]", "{}", R"({"format": 1})", R"({"format": 1, "name": "other", "consistency": "none"})",
          R"({"format": 1, "name": "first", "consistency": "perfect", "members": [{"snapshot": "x"}]})",
          R"({"format": 1, "name": "first", "consistency": "none", "members": []})",
          R"({"format": 1, "name": "first", "consistency": "none", "members": [{}]})"}) {
        CAPTURE(text);
        const auto result = broken(text);
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().kind == ErrorKind::kInvalid);
        CHECK(result.error().message.find("configmap/shop/holdfast-set-first") != std::string::npos);
        CHECK(result.error().hint.find("intact") != std::string::npos);
    }
    CHECK(broken(R"({"format": 2})").error().hint.find("upgrade") != std::string::npos);
    CHECK_FALSE(broken(std::string(100000, '[').c_str()).ok());
}

TEST_CASE("a set whose ConfigMap is lost is rebuilt from its snapshots") {
    const SnapshotSet set = example();
    const auto rebuilt = kube::set_from_snapshots("first", snapshots_of(set, true));
    REQUIRE(rebuilt.ok());
    CHECK(rebuilt->complete);
    CHECK(rebuilt->uid.empty());
    CHECK(rebuilt->consistency == "quiesced");
    CHECK(rebuilt->skew_ms == 1000);
    CHECK(rebuilt->target == "sts/postgres");
    CHECK(rebuilt->members.size() == 2);
    CHECK(rebuilt->members[0].snapshot_uid == "snapshot-uid-0");
    CHECK(rebuilt->app.system_identifier == set.app.system_identifier);
    CHECK(rebuilt->containers[0].image_id == "postgres@sha256:ab");
    CHECK(rebuilt->containers[0].env == Json::parse(R"([{"name": "PGDATA", "value": "/data/pgdata"}])"));
}

TEST_CASE("a rebuilt set claims no consistency that was not proven") {
    CHECK(kube::set_from_snapshots("first", snapshots_of(example(), false))->consistency == "none");
}

TEST_CASE("a rebuilt set is incomplete while a member is missing or not cut") {
    auto snapshots = snapshots_of(example(), true);
    auto uncut = snapshots;
    uncut[1].erase("status");
    CHECK_FALSE(kube::set_from_snapshots("first", uncut)->complete);
    snapshots.pop_back();
    CHECK_FALSE(kube::set_from_snapshots("first", snapshots)->complete);
}

TEST_CASE("copies, other sets and foreign snapshots are no members") {
    auto snapshots = snapshots_of(example(), true);
    Json copy = snapshots[0];
    copy["metadata"]["name"] = "copy";
    Json foreign = {{"metadata", {{"name", "foreign"}}}};
    snapshots.push_back(copy);
    snapshots.push_back(foreign);
    CHECK(kube::set_from_snapshots("first", snapshots)->members.size() == 2);
    const auto none = kube::set_from_snapshots("second", snapshots);
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().kind == ErrorKind::kNotFound);
}
