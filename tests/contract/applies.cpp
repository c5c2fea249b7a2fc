#include "tests/contract/objects.h"

// Server-side apply, as GitOps tools do it, beside updates and patches: who owns a field. Whoever changes a field by an
// update owns it; whoever applies owns what the manifest says.
namespace holdfast::contract {
namespace {

Result<Json> applying(Stage& s, const Json& manifest) {
    const kube::Resource& resource = text_at(manifest, "/kind") == "StatefulSet" ? kStatefulSets : kConfigMaps;
    return s.cluster.patch(s.ref(resource, name_of(manifest)), PatchType::kApply, manifest, {});
}

}  // namespace

CONTRACT("applies", "what is not there is made") {
    const Json made = MUST(applying(s, config_map(s, "one")));
    SAME(made["data"]["key"], "value");
    CHECK(!uid_of(made).empty());
    SAME(uid_of(s.get(kConfigMaps, "one")), uid_of(made));
}

CONTRACT("applies", "another one's field with the value that it has is accepted") {
    const Json made = s.make(config_map(s, "one"));
    const Json is = MUST(applying(s, config_map(s, "one")));
    SAME(uid_of(is), uid_of(made));
    SAME(is["data"]["key"], "value");
}

CONTRACT("applies", "another one's field with another value is a conflict, and nothing is changed") {
    const Json made = s.make(config_map(s, "one", {{"key", "value"}, {"more", "1"}}));
    FAILS(applying(s, config_map(s, "one", {{"key", "other"}, {"new", "2"}})), 409, "Conflict");
    SAME(version_of(s.get(kConfigMaps, "one")), version_of(made));
}

CONTRACT("applies", "what nobody says any more goes, what another one has written stays") {
    MUST(applying(s, config_map(s, "one", {{"a", "1"}, {"b", "2"}, {"c", "3"}})));
    s.merge(kConfigMaps, "one", {{"data", {{"c", "9"}, {"d", "4"}}}});
    const Json is = MUST(applying(s, config_map(s, "one", {{"a", "1"}})));
    SAME(is["data"], Json({{"a", "1"}, {"c", "9"}, {"d", "4"}}));
}

CONTRACT("applies", "a field that two have said stays when one of them says it no more") {
    s.make(config_map(s, "one", {{"a", "1"}, {"b", "2"}}));
    MUST(applying(s, config_map(s, "one", {{"a", "1"}, {"b", "2"}})));
    const Json is = MUST(applying(s, config_map(s, "one", {{"a", "1"}})));
    SAME(is["data"]["b"], "2");
}

CONTRACT("applies", "a patch takes a field from who has applied it, and the next apply is a conflict") {
    Json set = stateful_set(s, "db", 0, false);
    MUST(applying(s, set));
    s.merge(kStatefulSets, "db", {{"metadata", {{"annotations", {{"hf.test/replicas", "0"}}}}}});
    MUST(applying(s, set));
    s.merge(kStatefulSets, "db", {{"spec", {{"persistentVolumeClaimRetentionPolicy", {{"whenScaled", "Delete"}}}}}});
    set["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}};
    FAILS(applying(s, set), 409, "Conflict");
    const Json is = s.get(kStatefulSets, "db");
    SAME(text_at(is, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled"), "Delete");
    SAME(kube::annotation_of(is, "hf.test/replicas"), "0");
}

CONTRACT("applies", "a patch that sets the value that is there takes nothing") {
    MUST(applying(s, config_map(s, "one", {{"a", "1"}})));
    s.merge(kConfigMaps, "one", {{"data", {{"a", "1"}}}});
    const Json is = MUST(applying(s, config_map(s, "one", {{"a", "2"}})));
    SAME(is["data"]["a"], "2");
}

CONTRACT("applies", "an old resourceVersion is a conflict here too") {
    const Json made = MUST(applying(s, config_map(s, "one")));
    s.merge(kConfigMaps, "one", {{"data", {{"more", "1"}}}});
    FAILS(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kApply, config_map(s, "one", {{"key", "2"}}),
                          {"", version_of(made)}),
          409, "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

}  // namespace holdfast::contract
