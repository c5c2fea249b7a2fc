#include "plugins/snap/list_rows.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/os/clock.h"
#include "tests/golden/golden.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::snap;

namespace {

kube::SnapshotSet example(const std::string& name, const std::string& created) {
    kube::SnapshotSet set;
    set.name = name;
    set.space = "shop";
    set.complete = true;
    set.created_at = created;
    set.target = "sts/postgres";
    set.workload_kind = "StatefulSet";
    set.workload_name = "postgres";
    set.operation = "snap-postgres-abcde";
    for (int i = 0; i < 2; ++i) {
        kube::SetMember member;
        member.claim = "data-postgres-" + std::to_string(i);
        member.ordinal = i;
        member.snapshot = name + "-" + member.claim;
        member.driver = "fast.csi.test";
        member.snapshot_class = "fast";
        member.size_bytes = 256LL << 20;
        set.members.push_back(member);
    }
    set.skew_ms = 226;
    return set;
}

Json snapshot(const std::string& name, const std::string& claim, bool ready) {
    return {{"apiVersion", "snapshot.storage.k8s.io/v1"},
            {"kind", "VolumeSnapshot"},
            {"metadata", {{"name", name}, {"namespace", "shop"}, {"creationTimestamp", "2026-11-21T04:00:00Z"}}},
            {"spec", {{"source", {{"persistentVolumeClaimName", claim}}}, {"volumeSnapshotClassName", "fast"}}},
            {"status",
             {{"boundVolumeSnapshotContentName", "c-" + name},
              {"creationTime", "2026-11-21T04:00:01Z"},
              {"readyToUse", ready},
              {"restoreSize", "256Mi"}}}};
}

Json member_of(const kube::SnapshotSet& set, std::size_t i, bool ready) {
    Json object = snapshot(set.members[i].snapshot, set.members[i].claim, ready);
    object["metadata"]["labels"] = {{labels::kSet, set.name}};
    object["metadata"]["annotations"] = {{labels::kRecord, kube::member_record(set, set.members[i]).dump()},
                                         {labels::kSetSummary, kube::set_summary(set, false).dump()}};
    return object;
}

std::string table_of(RowBuilder& builder, bool wide = false) {
    const std::deque<Row> rows = builder.take();
    RowStyle style;
    style.wide = wide;
    style.all_spaces = wide;
    style.now = *parse_time("2026-11-21T06:00:00Z");
    const RowTable table(style, rows);
    std::string text = table.header();
    for (const Row& row : rows) text += table.line(row);
    return text;
}

}  // namespace

TEST_CASE("sets and single snapshots are listed, oldest first, with what is ready of them") {
    RowBuilder builder({});
    kube::SnapshotSet first = example("first", "2026-11-21T03:00:00Z");
    first.verified_level = "checked";
    first.verified_at = "2026-11-21T05:30:00Z";
    kube::SnapshotSet second = example("second", "2026-11-21T05:00:00Z");
    second.complete = false;
    builder.add_set(kube::set_to_config_map(first));
    builder.add_set(kube::set_to_config_map(second));
    for (std::size_t i : {0U, 1U}) builder.add_snapshot(member_of(first, i, true));
    builder.add_snapshot(member_of(second, 0, false));
    builder.add_snapshot(snapshot("nightly", "data-postgres-0", true));
    Json failing = snapshot("broken", "other", false);
    failing["status"]["error"] = {{"message", "no"}};
    builder.add_snapshot(failing);
    Json drilled = snapshot("drilled", "other", true);
    drilled["metadata"]["annotations"] = {{labels::kVerified, R"({"level": "started", "at": "2026-11-21T05:59:00Z"})"}};
    builder.add_snapshot(drilled);
    Json provisioned = snapshot("imported", "", true);
    provisioned["spec"]["source"] = {{"volumeSnapshotContentName", "c"}};
    builder.add_snapshot(provisioned);
    golden::check("snap/list.txt", table_of(builder));
}

TEST_CASE("the wide list has namespace, skew, class and driver") {
    RowBuilder builder({});
    const kube::SnapshotSet first = example("first", "2026-11-21T03:00:00Z");
    builder.add_class({{"metadata", {{"name", "fast"}}}, {"driver", "fast.csi.test"}});
    builder.add_set(kube::set_to_config_map(first));
    for (std::size_t i : {0U, 1U}) builder.add_snapshot(member_of(first, i, true));
    builder.add_snapshot(snapshot("nightly", "data-postgres-0", true));
    golden::check("snap/list-wide.txt", table_of(builder, true));
}

TEST_CASE("a set without its ConfigMap is still a set, and complete only if all are there") {
    const kube::SnapshotSet set = example("lost", "2026-11-21T03:00:00Z");
    RowBuilder builder({});
    builder.add_snapshot(member_of(set, 0, true));
    builder.add_snapshot(member_of(set, 1, true));
    std::deque<Row> rows = builder.take();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].rebuilt);
    CHECK(rows[0].complete);
    CHECK(rows[0].ready == 2);
    CHECK(rows[0].target == "sts/postgres");
    builder.add_snapshot(member_of(set, 1, true));
    rows = builder.take();
    CHECK_FALSE(rows[0].complete);
    CHECK(rows[0].total == 2);
}

TEST_CASE("a target shows its sets and the single snapshots of its claims, and nothing else") {
    RowFilter filter;
    filter.active = true;
    filter.target = "sts/postgres";
    filter.claims = {"data-postgres-0"};
    RowBuilder builder(filter);
    kube::SnapshotSet other = example("other", "2026-11-21T03:00:00Z");
    other.target = "sts/mysql";
    for (kube::SetMember& member : other.members) member.claim = "data-mysql-" + std::to_string(member.ordinal);
    const kube::SnapshotSet own = example("own", "2026-11-21T03:00:00Z");
    builder.add_set(kube::set_to_config_map(other));
    builder.add_set(kube::set_to_config_map(own));
    builder.add_snapshot(member_of(other, 0, true));
    builder.add_snapshot(member_of(own, 0, true));
    builder.add_snapshot(snapshot("nightly", "data-postgres-0", true));
    builder.add_snapshot(snapshot("unrelated", "x", true));
    const std::deque<Row> rows = builder.take();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].name == "own");
    CHECK(rows[1].name == "nightly");
}

TEST_CASE("a label alone makes no member: a foreign snapshot with our label stands for itself") {
    RowBuilder builder({});
    Json foreign = snapshot("copied", "x", true);
    foreign["metadata"]["labels"] = {{labels::kSet, "nowhere"}};
    builder.add_snapshot(foreign);
    const std::deque<Row> rows = builder.take();
    REQUIRE(rows.size() == 1);
    CHECK_FALSE(rows[0].is_set);
}

TEST_CASE("a damaged set is named and the others are listed") {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster(clock);
    Json damaged = kube::set_to_config_map(example("bad", "2026-11-21T03:00:00Z"));
    damaged["data"]["set.json"] = "{";
    cluster.put(damaged);
    cluster.put(kube::set_to_config_map(example("good", "2026-11-21T03:00:00Z")));
    cluster.put(snapshot("single", "x", true));
    RowBuilder builder({});
    REQUIRE(collect_rows(cluster, "shop", builder).ok());
    REQUIRE(builder.damaged().size() == 1);
    CHECK(builder.damaged()[0].find("holdfast-set-bad") != std::string::npos);
    CHECK(builder.take().size() == 2);
}

TEST_CASE("names from the server cannot move the cursor") {
    RowBuilder builder({});
    builder.add_snapshot(snapshot("evil\x1b[2J\r", "x\n", true));
    const std::string text = table_of(builder);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}
