#include "tests/contract/objects.h"

// Patches: what they change, and what they leave.
namespace holdfast::contract {
namespace {

Result<Json> json_patch(Stage& s, const std::string& name, const Json& operations) {
    return s.cluster.patch(s.ref(kConfigMaps, name), PatchType::kJson, operations, {});
}

}  // namespace

CONTRACT("patches", "merge: fields are set, added and taken away by null, the others stay") {
    s.make(config_map(s, "one", {{"a", "1"}, {"b", "2"}, {"c", "3"}}));
    const Json is = s.merge(kConfigMaps, "one", {{"data", {{"a", "9"}, {"b", nullptr}, {"d", "4"}}}});
    SAME(is["data"]["a"], "9");
    CHECK(!is["data"].contains("b"));
    SAME(is["data"]["c"], "3");
    SAME(is["data"]["d"], "4");
}

CONTRACT("patches", "merge: taking away what is not there changes nothing") {
    const Json made = s.make(config_map(s, "one"));
    const Json is =
        s.merge(kConfigMaps, "one", {{"data", {{"none", nullptr}}}, {"metadata", {{"labels", {{"x", nullptr}}}}}});
    SAME(version_of(is), version_of(made));
}

CONTRACT("patches", "merge: a list is replaced as a whole") {
    Json made = pod(s, "user");
    made["metadata"]["finalizers"] = Json::array({"hf.test/a", "hf.test/b"});
    nowhere(made["spec"]);
    s.make(made);
    const Json is = s.merge(kPods, "user", {{"metadata", {{"finalizers", Json::array({"hf.test/c"})}}}});
    SAME(is["metadata"]["finalizers"], Json::array({"hf.test/c"}));
    s.merge(kPods, "user", {{"metadata", {{"finalizers", nullptr}}}});
}

CONTRACT("patches", "merge: the last annotation that goes takes the map with it") {
    s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"metadata", {{"annotations", {{"a", "b"}}}}}});
    const Json is = s.merge(kConfigMaps, "one", {{"metadata", {{"annotations", {{"a", nullptr}}}}}});
    CHECK(kube::annotation_of(is, "a").empty());
    CHECK(!has(is, "/metadata/annotations"));
}

CONTRACT("patches", "merge: a name or namespace cannot be changed") {
    s.make(config_map(s, "one"));
    const kube::ObjectRef ref = s.ref(kConfigMaps, "one");
    CHECK(!s.cluster.patch(ref, PatchType::kMerge, {{"metadata", {{"name", "two"}}}}, {}).ok());
    CHECK(!s.cluster.patch(ref, PatchType::kMerge, {{"metadata", {{"namespace", "default"}}}}, {}).ok());
    CHECK(!s.there(kConfigMaps, "two"));
}

CONTRACT("patches", "merge: a value of the wrong type is refused") {
    s.make(config_map(s, "one"));
    CHECK(!s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", 5}}}}, {}).ok());
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

CONTRACT("patches", "JSON: operations are carried out in order") {
    s.make(config_map(s, "one", {{"a", "1"}, {"b", "2"}}));
    const Json is = MUST(json_patch(s, "one",
                                    Json::array({{{"op", "test"}, {"path", "/data/a"}, {"value", "1"}},
                                                 {{"op", "replace"}, {"path", "/data/a"}, {"value", "9"}},
                                                 {{"op", "remove"}, {"path", "/data/b"}},
                                                 {{"op", "add"}, {"path", "/data/c"}, {"value", "3"}}})));
    SAME(is["data"]["a"], "9");
    CHECK(!is["data"].contains("b"));
    SAME(is["data"]["c"], "3");
}

CONTRACT("patches", "JSON: a test that fails leaves everything as it is") {
    s.make(config_map(s, "one"));
    FAILS(json_patch(s, "one",
                     Json::array({{{"op", "replace"}, {"path", "/data/key"}, {"value", "x"}},
                                  {{"op", "test"}, {"path", "/data/key"}, {"value", "other"}}})),
          422, "Invalid");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

CONTRACT("patches", "JSON: a path that is not there is refused") {
    s.make(config_map(s, "one"));
    FAILS(json_patch(s, "one", Json::array({{{"op", "remove"}, {"path", "/data/none"}}})), 422, "Invalid");
}

CONTRACT("patches", "JSON: with an old resourceVersion or another uid it conflicts") {
    const Json made = s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "second"}}}});
    const Json change = Json::array({{{"op", "replace"}, {"path", "/data/key"}, {"value", "third"}}});
    const kube::ObjectRef ref = s.ref(kConfigMaps, "one");
    FAILS(s.cluster.patch(ref, PatchType::kJson, change, {"", version_of(made)}), 409, "Conflict");
    FAILS(s.cluster.patch(ref, PatchType::kJson, change, {"11111111-2222-3333-4444-555555555555", ""}), 409,
          "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "second");
}

CONTRACT("patches", "status: a patch of the object leaves it, a patch of the status leaves the rest") {
    s.make(claim(s, "data"));
    const Json first = s.merge(kClaims, "data", {{"status", {{"phase", "Bound"}}}});
    SAME(text_at(first, "/status/phase"), "Pending");
    const Json second =
        s.merge(kClaims, "data",
                {{"status", {{"capacity", {{"storage", "1Gi"}}}}}, {"spec", {{"volumeName", "other"}}}}, "status");
    SAME(text_at(second, "/status/capacity/storage"), "1Gi");
    CHECK(!has(second, "/spec/volumeName"));
}

CONTRACT("patches", "status: compares versions too") {
    const Json made = s.make(claim(s, "data"));
    s.merge(kClaims, "data", {{"metadata", {{"labels", {{"a", "b"}}}}}});
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge, {{"status", {{"phase", "Bound"}}}},
                          {"", version_of(made)}, DryRun::kNone, "status"),
          409, "Conflict");
}

CONTRACT("patches", "a create's status is not taken") {
    Json made = claim(s, "data");
    made["status"] = {{"phase", "Bound"}};
    SAME(text_at(s.make(made), "/status/phase"), "Pending");
    Json set = stateful_set(s, "db", 0);
    set["status"] = {{"readyReplicas", 5}};
    CHECK(kube::number_at(s.make(set), "/status/readyReplicas", 0) == 0);
}

CONTRACT("patches", "two that change different fields both count") {
    s.make(config_map(s, "one", {{"a", "1"}, {"b", "2"}}));
    s.merge(kConfigMaps, "one", {{"data", {{"a", "9"}}}});
    s.merge(kConfigMaps, "one", {{"data", {{"b", "8"}}}});
    const Json is = s.get(kConfigMaps, "one");
    SAME(is["data"]["a"], "9");
    SAME(is["data"]["b"], "8");
}

}  // namespace holdfast::contract
