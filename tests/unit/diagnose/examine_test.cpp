#include "tests/unit/diagnose/recorded.h"

#include "common/kube/objects/snapshot_set.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace holdfast;
using diagnose::Severity;
using testing::has_code;
using testing::Recorded;

namespace {

const SystemTime kNow = *parse_time("2026-11-21T06:00:00Z");

std::vector<diagnose::Finding> examined(Recorded& recorded, const std::string& target,
                                        const std::string& space = "diag-w") {
    const auto found = diagnose::examine(recorded.cluster, space, target, kNow);
    REQUIRE(found.ok());
    return found->findings;
}

Severity severity_of(const std::vector<diagnose::Finding>& findings, const std::string& code) {
    const auto found =
        std::find_if(findings.begin(), findings.end(), [&](const auto& one) { return one.code == code; });
    REQUIRE(found != findings.end());
    return found->severity;
}

ErrorKind refused(Recorded& recorded, const std::string& target) {
    const auto found = diagnose::examine(recorded.cluster, "diag-w", target, kNow);
    REQUIRE(!found.ok());
    return found.error().kind;
}

// A set of sts/ok, complete, made an hour before now.
void put_set(Recorded& recorded, const std::string& name, const std::function<void(kube::SnapshotSet&)>& edit = {}) {
    kube::SnapshotSet set;
    set.name = name;
    set.space = "diag-w";
    set.complete = true;
    set.created_at = "2026-11-21T05:00:00Z";
    set.workload_kind = "StatefulSet";
    set.workload_name = "ok";
    set.members.resize(1);
    set.members[0].claim = "data-ok-0";
    set.members[0].snapshot = name + "-0";
    if (edit) edit(set);
    recorded.cluster.put(kube::set_to_config_map(set));
}

}  // namespace

TEST_CASE("a target that is not there, may not be read or is no target is an error and no finding") {
    Recorded recorded;
    CHECK(refused(recorded, "sts/never") == ErrorKind::kNotFound);
    CHECK(refused(recorded, "pvc/never") == ErrorKind::kNotFound);
    CHECK(refused(recorded, "set/never") == ErrorKind::kNotFound);
    CHECK(refused(recorded, "service/db") == ErrorKind::kUsage);
    CHECK(refused(recorded, "db") == ErrorKind::kUsage);
    recorded.forbid("get sts/");
    CHECK(refused(recorded, "sts/db") == ErrorKind::kForbidden);
}

TEST_CASE("what may not be read beside the target is named, and the rest is examined") {
    Recorded recorded;
    for (const char* call : {"get pv/", "list csi", "list vsclass", "list event", "list sc"}) recorded.forbid(call);
    const auto findings = examined(recorded, "sts/db");
    CHECK(has_code(findings, "pod-volume-elsewhere"));
    CHECK(has_code(findings, "literal-secret"));
    CHECK(has_code(findings, "not-visible"));
    CHECK(!has_code(findings, "volume-reclaim-delete"));
    CHECK(!has_code(findings, "snapshot-class-none"));
}

TEST_CASE("a cluster without the snapshot API is the first thing that a workload hears") {
    Recorded recorded;
    std::erase_if(recorded.cluster.discovery.resources,
                  [](const auto& one) { return one.find("snapshot.storage.k8s.io") == 0; });
    const auto findings = examined(recorded, "sts/ok");
    CHECK(findings.front().code == "snapshot-api-missing");
    CHECK(!has_code(findings, "never-snapped"));
    CHECK(has_code(examined(recorded, "vs/s-ok", "diag-a"), "snapshot-api-missing"));
    recorded.cluster.discovery.resources.insert("snapshot.storage.k8s.io/v1beta1/volumesnapshots");
    const auto whole = examined(recorded, "");
    CHECK(whole.front().message.find("v1beta1") != std::string::npos);
}

TEST_CASE("a set that nobody has restored is a warning, an old rehearsal too, a failed one an error") {
    Recorded recorded;
    put_set(recorded, "first");
    CHECK(severity_of(examined(recorded, "sts/ok"), "never-drilled") == Severity::kWarning);
    CHECK(!has_code(examined(recorded, "sts/ok"), "never-snapped"));

    const auto verified = [](const char* level, const char* at) {
        return [=](kube::SnapshotSet& set) {
            set.verified_level = level;
            set.verified_at = at;
        };
    };
    put_set(recorded, "first", verified("started", "2026-11-21T05:30:00Z"));
    CHECK(has_code(examined(recorded, "sts/ok"), "never-drilled"));
    put_set(recorded, "first", verified("checked", "2026-11-21T05:30:00Z"));
    const auto fine = examined(recorded, "sts/ok");
    CHECK(!has_code(fine, "never-drilled"));
    CHECK(!has_code(fine, "drill-old"));
    put_set(recorded, "first", verified("checked", "2026-10-01T05:30:00Z"));
    CHECK(severity_of(examined(recorded, "sts/ok"), "drill-old") == Severity::kWarning);
    put_set(recorded, "second", verified("failed", "2026-11-01T05:30:00Z"));
    CHECK(severity_of(examined(recorded, "sts/ok"), "drill-failed") == Severity::kError);
    put_set(recorded, "third", verified("checked", "2026-11-20T05:30:00Z"));
    CHECK(!has_code(examined(recorded, "sts/ok"), "drill-failed"));
}

TEST_CASE("an old or unfinished set is told, another workload's set is not taken for one's own") {
    Recorded recorded;
    put_set(recorded, "old", [](kube::SnapshotSet& set) { set.created_at = "2026-11-01T05:00:00Z"; });
    CHECK(has_code(examined(recorded, "sts/ok"), "snapshot-old"));
    put_set(recorded, "half", [](kube::SnapshotSet& set) {
        set.complete = false;
        set.operation = "snap-ok-1";
    });
    const auto findings = examined(recorded, "sts/ok");
    CHECK(has_code(findings, "set-incomplete"));
    CHECK(has_code(findings, "snapshot-old"));
    CHECK(has_code(examined(recorded, "sts/db"), "never-snapped"));
    CHECK(has_code(examined(recorded, "set/half"), "set-incomplete"));
}

TEST_CASE("a set whose record is damaged is named") {
    Recorded recorded;
    put_set(recorded, "first");
    Json damaged = *recorded.cluster.at({kube::kConfigMaps, "diag-w", "holdfast-set-first"});
    damaged["data"]["set.json"] = "{";
    recorded.cluster.put(damaged);
    CHECK(severity_of(examined(recorded, ""), "set-damaged") == Severity::kWarning);
}

TEST_CASE("R21: sets under deletionPolicy Delete die with their namespace, protected ones do not") {
    Recorded recorded;
    CHECK(has_code(examined(recorded, "pvc/c-ok", "diag-a"), "snapshots-die-with-namespace"));
    for (const Json& object : recorded.objects) {
        if (object["kind"] != "VolumeSnapshotContent") continue;
        Json changed = object;
        changed["spec"]["deletionPolicy"] = "Retain";
        recorded.cluster.put(changed);
    }
    CHECK(!has_code(examined(recorded, "pvc/c-ok", "diag-a"), "snapshots-die-with-namespace"));
}

TEST_CASE("an operator's or GitOps' workload is named with its owner") {
    Recorded recorded;
    recorded.change("StatefulSet", "diag-w", "ok", [](Json& object) {
        object["metadata"]["ownerReferences"] = Json::parse(
            R"([{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "shop", "controller": true}])");
    });
    const auto findings = examined(recorded, "sts/ok");
    REQUIRE(has_code(findings, "owned-by-operator"));
    const auto owned =
        std::find_if(findings.begin(), findings.end(), [](const auto& one) { return one.code == "owned-by-operator"; });
    CHECK(owned->message.find("Cluster/shop (CloudNativePG)") != std::string::npos);
    recorded.change("StatefulSet", "diag-w", "ok", [](Json& object) {
        object["metadata"].erase("ownerReferences");
        object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/StatefulSet:diag-w/ok";
    });
    CHECK(has_code(examined(recorded, "sts/ok"), "deployed-from-elsewhere"));
}

TEST_CASE("kept volumes, Retain policies and a backup tool bring no finding") {
    Recorded recorded;
    put_set(recorded, "first", [](kube::SnapshotSet& set) {
        set.verified_level = "checked";
        set.verified_at = "2026-11-21T05:30:00Z";
    });
    for (const Json& object : recorded.objects) {
        if (object["kind"] != "PersistentVolume") continue;
        Json changed = object;
        changed["spec"]["persistentVolumeReclaimPolicy"] = "Retain";
        recorded.cluster.put(changed);
    }
    recorded.cluster.discovery.resources.insert("velero.io/v1/backups");
    CHECK(testing::text_of(examined(recorded, "sts/ok")) == "  nothing\n");
}

TEST_CASE("replicas whose volumes lie in one place, and an even quorum, are told") {
    Recorded recorded;
    for (const Json& object : std::vector<Json>(recorded.objects)) {
        const bool volume = object["kind"] == "PersistentVolume" && object["spec"].contains("claimRef") &&
                            object["spec"]["claimRef"]["name"] == "data-ok-0";
        const bool claim = object["kind"] == "PersistentVolumeClaim" && object["metadata"]["name"] == "data-ok-0";
        if (!volume && !claim) continue;
        Json second = object;
        second["metadata"]["name"] = claim ? "data-ok-1" : "pv-second";
        if (claim) second["spec"]["volumeName"] = "pv-second";
        recorded.cluster.put(second);
    }
    recorded.change("StatefulSet", "diag-w", "ok", [](Json& object) {
        object["spec"]["replicas"] = 2;
        object["status"]["readyReplicas"] = 2;
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/coreos/etcd:v3.6";
    });
    const auto findings = examined(recorded, "sts/ok");
    CHECK(severity_of(findings, "volumes-in-one-place") == Severity::kWarning);
    CHECK(severity_of(findings, "even-quorum") == Severity::kInfo);
}

TEST_CASE("two default storage classes and a class without a driver are the cluster's findings") {
    Recorded recorded;
    recorded.change("StorageClass", "", "slow", [](Json& object) {
        object["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = "true";
    });
    const auto findings = examined(recorded, "");
    CHECK(severity_of(findings, "storage-class-two-defaults") == Severity::kWarning);
    CHECK(severity_of(findings, "snapshot-class-two-defaults") == Severity::kWarning);
    CHECK(severity_of(findings, "provisioner-in-tree") == Severity::kWarning);
    CHECK(severity_of(findings, "provisioner-not-installed") == Severity::kInfo);
}

TEST_CASE("a claim that the claims of a set cannot be snapped for says why, without asking for snapshots of it") {
    Recorded recorded;
    const auto hostpath = examined(recorded, "pvc/c-hostpath", "diag-b");
    CHECK(severity_of(hostpath, "volume-not-csi") == Severity::kError);
    CHECK(!has_code(hostpath, "never-snapped"));
    CHECK(severity_of(examined(recorded, "pvc/c-none", "diag-b"), "snapshot-class-none") == Severity::kError);
    CHECK(severity_of(examined(recorded, "pvc/c-two", "diag-b"), "snapshot-class-two-defaults") == Severity::kError);
}

TEST_CASE("a number of replicas from outside does not make the examination endless") {
    Recorded recorded;
    recorded.change("StatefulSet", "diag-w", "ok", [](Json& object) { object["spec"]["replicas"] = 2147483647; });
    examined(recorded, "sts/ok");
    CHECK(recorded.cluster.calls.size() < 2500);
}

TEST_CASE("findings come most severe first, and the same is said once") {
    Recorded recorded;
    const auto findings = examined(recorded, "", "diag-w");
    CHECK(std::is_sorted(findings.begin(), findings.end(),
                         [](const auto& a, const auto& b) { return a.severity > b.severity; }));
    CHECK(std::count_if(findings.begin(), findings.end(),
                        [](const auto& one) { return one.code == "no-backup-seen"; }) == 1);
}
