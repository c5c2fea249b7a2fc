// StatefulSet db of namespace shop with claims data-db-N, their pods, and what is asked for.
#pragma once

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/choose.h"
#include "plugins/pvc-expand/rounds.h"

#include <doctest/doctest.h>

#include <string>

namespace holdfast::testing::growing {

inline const std::string kId = "expand-db-abcde";

inline SystemTime now() { return parse_time("2026-11-21T05:12:11Z").value(); }

inline Json set(int replicas = 2) {
    return {
        {"apiVersion", "apps/v1"},
        {"kind", "StatefulSet"},
        {"metadata",
         {{"name", "db"},
          {"namespace", "shop"},
          {"uid", "uid-db"},
          {"resourceVersion", "40"},
          {"generation", 3},
          {"creationTimestamp", "2026-11-20T05:12:11Z"},
          {"labels", {{"app", "db"}}},
          {"annotations", {{"team", "books"}}},
          {"managedFields", Json::array({{{"manager", "helm"}, {"operation", "Update"}},
                                         {{"manager", "kube-controller-manager"}, {"subresource", "status"}}})}}},
        {"spec",
         {{"replicas", replicas},
          {"serviceName", "db"},
          {"selector", {{"matchLabels", {{"app", "db"}}}}},
          {"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}},
          {"updateStrategy", {{"type", "RollingUpdate"}}},
          {"template", {{"metadata", {{"labels", {{"app", "db"}}}}}, {"spec", {{"containers", Json::array()}}}}},
          {"volumeClaimTemplates",
           Json::array(
               {{{"metadata", {{"name", "data"}}},
                 {"spec", {{"storageClassName", "fast"}, {"resources", {{"requests", {{"storage", "10Gi"}}}}}}}}})}}},
        {"status",
         {{"observedGeneration", 3}, {"replicas", replicas}, {"currentRevision", "db-1"}, {"updateRevision", "db-1"}}}};
}

inline Json claim(int ordinal, const std::string& size = "10Gi", const std::string& capacity = "") {
    const std::string name = "data-db-" + std::to_string(ordinal);
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"metadata",
             {{"name", name},
              {"namespace", "shop"},
              {"uid", "uid-" + name},
              {"resourceVersion", "7"},
              {"labels", {{"app", "db"}}}}},
            {"spec",
             {{"storageClassName", "fast"},
              {"volumeName", "pv-" + name},
              {"resources", {{"requests", {{"storage", size}}}}}}},
            {"status", {{"phase", "Bound"}, {"capacity", {{"storage", capacity.empty() ? size : capacity}}}}}};
}

inline Json pod(int ordinal, const std::string& owner = "uid-db") {
    const std::string number = std::to_string(ordinal);
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata",
             {{"name", "db-" + number},
              {"namespace", "shop"},
              {"uid", "uid-pod-" + number},
              {"resourceVersion", "9"},
              {"labels", {{"app", "db"}, {"controller-revision-hash", "db-1"}}},
              {"ownerReferences",
               Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", owner}, {"controller", true}}})}}},
            {"spec",
             {{"volumes",
               Json::array({{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-db-" + number}}}}})}}},
            {"status", {{"phase", "Running"}}}};
}

// Of this set's template, and nobody's.
inline Json revision(const Json& of, int number = 1) {
    Json made = {{"apiVersion", "apps/v1"},
                 {"kind", "ControllerRevision"},
                 {"metadata",
                  {{"name", kube::name_of(of) + "-" + std::to_string(number)},
                   {"namespace", "shop"},
                   {"uid", "uid-revision-" + std::to_string(number)},
                   {"labels", {{"app", "db"}}}}},
                 {"revision", number}};
    made["data"]["spec"]["template"] = of["spec"]["template"];
    made["data"]["spec"]["template"]["$patch"] = "replace";
    made["data"]["spec"]["template"]["metadata"]["creationTimestamp"] = nullptr;
    return made;
}

inline Json storage_class(bool expands = true) {
    return {{"apiVersion", "storage.k8s.io/v1"},
            {"kind", "StorageClass"},
            {"metadata", {{"name", "fast"}}},
            {"provisioner", "fast.example"},
            {"allowVolumeExpansion", expands}};
}

inline void facts(expand::ExpandFacts& made, int replicas = 2) {
    made.sets = {set(replicas)};
    for (int i = 0; i < replicas; ++i) {
        made.claims["data-db-" + std::to_string(i)] = claim(i);
        made.pods.push_back(pod(i));
    }
    made.classes["fast"] = storage_class();
}

inline expand::ExpandOptions options(const char* size = "20Gi") {
    expand::ExpandOptions options;
    options.space = "shop";
    options.target = kube::ObjectRef{kube::kStatefulSets, "shop", "db"};
    if (*size != 0) options.size = Quantity::parse(size).value();
    return options;
}

inline Result<expand::Choice> choose(const expand::ExpandOptions& options, expand::ExpandFacts& made) {
    made.places.clear();
    made.mounted_by.clear();
    expand::find_places(made);
    return expand::choose_expand(options, made, now());
}

inline expand::ExpandRecord record(int replicas = 2) {
    expand::ExpandFacts made;
    facts(made, replicas);
    return std::move(choose(options(), made).value().record);
}

inline expand::ExpandState state(int replicas = 2, const std::string& size = "10Gi") {
    expand::ExpandState state;
    state.sets["db"] = set(replicas);
    for (int i = 0; i < replicas; ++i) {
        state.claims["data-db-" + std::to_string(i)] = claim(i, size);
        state.pods.push_back(pod(i));
    }
    return state;
}

inline void refuses(const expand::ExpandOptions& wanted, expand::ExpandFacts& made, const std::string& says,
                    const std::string& hint = "") {
    const auto choice = choose(wanted, made);
    REQUIRE_FALSE(choice.ok());
    CHECK(choice.error().kind == ErrorKind::kRefused);
    INFO(choice.error().message);
    INFO(choice.error().hint);
    CHECK(choice.error().message.find(says) != std::string::npos);
    CHECK(choice.error().message.find("nothing was changed") != std::string::npos);
    CHECK(choice.error().hint.find(hint) != std::string::npos);
}

// Every claim has its size, and the second one tells of the operation.
inline expand::ExpandState grown_state() {
    expand::ExpandState at = state(2, "20Gi");
    at.claims["data-db-1"]["metadata"]["labels"][labels::kExpanding] = kId;
    return at;
}

// The set as the operation has made it anew.
inline Json remade() {
    Json made = set();
    made["metadata"]["uid"] = "uid-new";
    made["metadata"]["annotations"][labels::kRemade] = kId;
    made["metadata"]["creationTimestamp"] = "2026-11-21T05:12:10Z";
    made["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "20Gi";
    return made;
}

inline plan::Plan planned(expand::Stage stage, const expand::ExpandRecord& made, const expand::ExpandState& at) {
    const auto plan = plan_round(stage, made, at, kId, now());
    REQUIRE(plan.ok());
    return *plan;
}

}  // namespace holdfast::testing::growing
