// StatefulSet db of namespace shop, as scene.h's set "nightly" was made of it: live claims, volumes and pods, and the
// state of a swap at each of its stages.
#pragma once

#include "common/kube/objects/labels.h"
#include "plugins/restore/in_place_plan.h"
#include "plugins/restore/swap_facts.h"
#include "tests/unit/restore/scene.h"

#include <string>

namespace holdfast::testing {

inline constexpr char kOperationId[] = "in-place-db-abcde";

inline Json live_volume(const std::string& name, const std::string& claim, const std::string& claim_uid,
                        const std::string& phase = "Bound", const std::string& policy = "Delete") {
    Json volume = {{"apiVersion", "v1"},
                   {"kind", "PersistentVolume"},
                   {"metadata", {{"name", name}, {"uid", "uid-" + name}}},
                   {"spec",
                    {{"capacity", {{"storage", "2Gi"}}},
                     {"accessModes", {"ReadWriteOnce"}},
                     {"csi", {{"driver", "fast.example"}, {"volumeHandle", "handle-" + name}}},
                     {"persistentVolumeReclaimPolicy", policy},
                     {"claimRef", {{"namespace", "shop"}, {"name", claim}}}}},
                   {"status", {{"phase", phase}}}};
    if (!claim_uid.empty()) volume["spec"]["claimRef"]["uid"] = claim_uid;
    return volume;
}

inline Json live_claim(const std::string& name, const std::string& volume, const std::string& uid) {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"metadata",
             {{"name", name},
              {"namespace", "shop"},
              {"uid", uid},
              {"resourceVersion", "7"},
              {"finalizers", {"kubernetes.io/pvc-protection"}},
              {"labels", {{"app", "db"}}},
              {"annotations",
               {{"pv.kubernetes.io/bind-completed", "yes"},
                {"volume.kubernetes.io/storage-provisioner", "fast.example"},
                {"owner", "shop team"}}}}},
            {"spec",
             {{"accessModes", {"ReadWriteOnce"}},
              {"storageClassName", "fast"},
              {"volumeMode", "Filesystem"},
              {"resources", {{"requests", {{"storage", "2Gi"}}}}},
              {"dataSource", {{"kind", "VolumeSnapshot"}, {"name", "older"}}},
              {"volumeName", volume}}},
            {"status", {{"phase", "Bound"}, {"capacity", {{"storage", "2Gi"}}}}}};
}

inline Json live_set(int replicas) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "StatefulSet"},
            {"metadata", {{"name", "db"}, {"namespace", "shop"}, {"uid", "uid-db"}, {"generation", 3}}},
            {"spec",
             {{"replicas", replicas},
              {"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Delete"}}},
              {"volumeClaimTemplates", Json::array({{{"metadata", {{"name", "data"}}},
                                                     {"spec",
                                                      {{"accessModes", {"ReadWriteOnce"}},
                                                       {"volumeMode", "Filesystem"},
                                                       {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}}})},
              {"template",
               {{"spec",
                 {{"terminationGracePeriodSeconds", 20},
                  {"securityContext", {{"runAsUser", 999}, {"fsGroup", 999}}},
                  {"containers",
                   Json::array({{{"name", "postgres"},
                                 {"image", "postgres:15"},
                                 {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", "/data"}}})}}})}}}}}}},
            {"status", {{"observedGeneration", 3}, {"replicas", replicas}, {"readyReplicas", replicas}}}};
}

inline Json live_pod(int ordinal) {
    const std::string number = std::to_string(ordinal);
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata",
             {{"name", "db-" + number},
              {"namespace", "shop"},
              {"uid", "uid-pod-" + number},
              {"ownerReferences",
               Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}})}}},
            {"spec",
             {{"nodeName", "node-a"},
              {"volumes",
               Json::array({{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-db-" + number}}}}})}}},
            {"status", {{"phase", "Running"}}}};
}

inline SystemTime some_time() { return parse_time("2026-11-21T05:12:11Z").value(); }

inline restore::InPlaceFacts in_place_facts(int replicas = 2) {
    restore::InPlaceFacts facts;
    facts.now = some_time();
    facts.source = source(replicas);
    facts.source.record->consistency = "group";
    facts.source.record->created_at = "2026-11-21T02:00:10Z";
    facts.workload = live_set(replicas);
    for (int i = 0; i < replicas; ++i) {
        const std::string number = std::to_string(i);
        facts.claims["data-db-" + number] = live_claim("data-db-" + number, "old-" + number, "uid-claim-" + number);
        facts.volumes["old-" + number] = live_volume("old-" + number, "data-db-" + number, "uid-claim-" + number);
        facts.pods.push_back(live_pod(i));
    }
    return facts;
}

inline restore::InPlaceOptions in_place_options() {
    restore::InPlaceOptions options;
    options.space = "shop";
    options.target = {kube::kStatefulSets, "shop", "db"};
    options.from = "nightly";
    return options;
}

inline restore::SwapRecord swap_record(int replicas = 2) {
    auto choice = restore::choose_in_place(in_place_options(), in_place_facts(replicas), kOperationId, some_time());
    return std::move(choice.value().record);
}

// What the cluster shows when the stage is about to be planned.
struct Staged {
    restore::SwapRecord record;
    restore::SwapFacts facts;
};

inline void mark_volume(Json& volume, const restore::SwapRecord& record, const std::string& claim, bool old) {
    restore::SwapMark mark;
    mark.operation = kOperationId;
    mark.space = "shop";
    mark.claim = claim;
    mark.taken_out = old;
    mark.at = record.at;
    volume["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
    volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain";
}

inline Staged staged(restore::Stage stage, int replicas = 2) {
    using restore::Stage;
    Staged at{swap_record(replicas), {}};
    const restore::InPlaceFacts live = in_place_facts(replicas);
    at.facts.workload = live.workload;
    at.facts.claims = live.claims;
    at.facts.volumes = live.volumes;
    at.facts.pods = live.pods;
    if (stage == Stage::kProve) return at;
    for (const restore::Swap& swap : at.record.swaps) {
        const std::string number = std::to_string(swap.ordinal), temporary_uid = "uid-temporary-" + number;
        at.record.incoming[swap.claim] = {"new-" + number, "uid-new-" + number, temporary_uid};
        Json temporary = live_claim(swap.temporary, "new-" + number, temporary_uid);
        temporary["metadata"]["labels"][labels::kOperation] = kOperationId;
        at.facts.claims[swap.temporary] = temporary;
        at.facts.volumes["new-" + number] = live_volume("new-" + number, swap.temporary, temporary_uid);
        Json prover = live_pod(swap.ordinal);
        prover["metadata"] = {{"name", "look-" + number}, {"uid", "uid-look-" + number}};
        prover["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = swap.temporary;
        prover["status"]["phase"] = "Succeeded";
        at.facts.provers.push_back(prover);
    }
    if (stage == Stage::kSecure) return at;
    at.facts.provers.clear();
    for (const restore::Swap& swap : at.record.swaps) {
        mark_volume(at.facts.volumes[swap.old_volume], at.record, swap.claim, true);
        mark_volume(at.facts.volumes["new-" + std::to_string(swap.ordinal)], at.record, swap.claim, false);
    }
    Json& set = *at.facts.workload;
    set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Retain";
    set["metadata"]["annotations"][labels::kRetention] = "Retain/Delete";
    if (stage == Stage::kStop) return at;
    set["metadata"]["annotations"][labels::kReplicas] = std::to_string(replicas);
    set["spec"]["replicas"] = at.record.workload.stopped;
    at.facts.attachments = {"csi-1"};
    if (stage == Stage::kDrain) return at;
    at.facts.pods.clear();
    at.facts.attachments.clear();
    if (stage == Stage::kReserve) return at;
    for (const restore::Swap& swap : at.record.swaps) {
        at.facts.claims.erase(swap.temporary);
        Json& volume = at.facts.volumes["new-" + std::to_string(swap.ordinal)];
        volume["spec"]["claimRef"] = {{"namespace", "shop"}, {"name", swap.claim}};
        volume["status"]["phase"] = "Available";
    }
    if (stage == Stage::kReplace) return at;
    for (const restore::Swap& swap : at.record.swaps) {
        const std::string number = std::to_string(swap.ordinal);
        at.facts.claims[swap.claim] = live_claim(swap.claim, "new-" + number, "uid-renewed-" + number);
        at.facts.volumes["new-" + number]["spec"]["claimRef"]["uid"] = "uid-renewed-" + number;
        at.facts.volumes["new-" + number]["status"]["phase"] = "Bound";
        at.facts.volumes[swap.old_volume]["status"]["phase"] = "Released";
    }
    set["metadata"]["annotations"].erase(labels::kReplicas);
    set["spec"]["replicas"] = replicas;
    return at;
}

}  // namespace holdfast::testing
