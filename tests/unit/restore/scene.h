// A source to plan from: set "nightly" of StatefulSet db in namespace shop, one claim an ordinal, on driver
// fast.example.
#pragma once

#include "plugins/restore/drill_plan.h"
#include "plugins/restore/restore_pvc.h"

#include <string>

namespace holdfast::testing {

inline kube::StorageClass storage_class(const std::string& name, const std::string& driver, bool is_default = false,
                                        bool waits = false) {
    kube::StorageClass one;
    one.name = name;
    one.provisioner = driver;
    one.is_default = is_default;
    one.binding_mode = waits ? "WaitForFirstConsumer" : "Immediate";
    one.reclaim_policy = "Delete";
    one.created = "2026-11-01T00:00:00Z";
    return one;
}

inline restore::Member member(int ordinal) {
    const std::string number = std::to_string(ordinal);
    restore::Member one;
    one.facts.claim = "data-db-" + number;
    one.facts.claim_template = "data";
    one.facts.ordinal = ordinal;
    one.facts.snapshot = "nightly-data-db-" + number;
    one.facts.snapshot_uid = "uid-vs-" + number;
    one.facts.storage_class = "fast";
    one.facts.volume_mode = "Filesystem";
    one.facts.access_modes = {"ReadWriteOnce"};
    one.facts.size_bytes = 2LL << 30;
    one.facts.cut_at = "2026-11-21T02:00:11Z";
    one.driver = one.facts.driver = "fast.example";
    kube::Snapshot snapshot;
    snapshot.name = one.facts.snapshot;
    snapshot.space = "shop";
    snapshot.uid = one.facts.snapshot_uid;
    snapshot.content = "content-" + number;
    snapshot.cut_at = one.facts.cut_at;
    snapshot.ready = true;
    snapshot.restore_size = 1LL << 30;
    one.snapshot = snapshot;
    kube::SnapshotContent content;
    content.name = "content-" + number;
    content.driver = "fast.example";
    content.handle = "handle-" + number;
    content.source_volume_mode = "Filesystem";
    content.snapshot_class = "fast";
    content.deletion_policy = "Delete";
    one.content = content;
    return one;
}

inline restore::Source source(int ordinals = 1) {
    restore::Source made;
    made.space = "shop";
    made.name = "nightly";
    made.is_set = true;
    kube::SnapshotSet record;
    record.name = "nightly";
    record.space = "shop";
    record.uid = "uid-set";
    record.resource_version = "41";
    record.complete = true;
    record.workload_kind = "StatefulSet";
    record.workload_name = "db";
    record.app = {"postgres", "15", "7556312345678901234", "3", "/data/pgdata"};
    kube::ContainerFacts container;
    container.name = "postgres";
    container.image = "postgres:15";
    container.image_id = "docker.io/library/postgres@sha256:abc";
    container.pull_policy = "IfNotPresent";
    container.env = Json::array(
        {{{"name", "POSTGRES_DB"}, {"value", "shop"}}, {{"name", "POSTGRES_PASSWORD"}, {"value", "hashed:12ab34"}}});
    container.volume_mounts = Json::array({{{"name", "data"}, {"mountPath", "/data"}, {"readOnly", true}},
                                           {{"name", "settings"}, {"mountPath", "/etc/postgresql"}}});
    container.security_context = {
        {"privileged", true}, {"runAsUser", 999}, {"capabilities", {{"add", {"SYS_ADMIN"}}, {"drop", {"ALL"}}}}};
    container.pod_security_context = {{"fsGroup", 999}, {"sysctls", Json::array({{{"name", "x"}, {"value", "1"}}})}};
    record.containers = {container};
    record.workload_manifest = {
        {"kind", "StatefulSet"},
        {"spec",
         {{"template",
           {{"spec",
             {{"nodeSelector", {{"disk", "ssd"}}},
              {"tolerations", Json::array({{{"key", "database"}, {"operator", "Exists"}}})},
              {"containers",
               Json::array({{{"name", "postgres"}, {"resources", {{"requests", {{"cpu", "100m"}}}}}}})}}}}}}}};
    for (int ordinal = 0; ordinal < ordinals; ++ordinal) {
        made.members.push_back(member(ordinal));
        record.members.push_back(made.members.back().facts);
    }
    made.record = record;
    made.classes = {storage_class("fast", "fast.example", true), storage_class("slow", "slow.example")};
    return made;
}

inline restore::DrillOptions drill_options() {
    restore::DrillOptions options;
    options.name = "nightly";
    options.space = "shop";
    return options;
}

}  // namespace holdfast::testing
