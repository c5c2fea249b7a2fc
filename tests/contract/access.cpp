#include "tests/contract/objects.h"

// Rights: what an access review says is what requests meet.
namespace holdfast::contract {
namespace {

bool may(Stage& s, kube::Cluster& who, const std::string& verb, const kube::Resource& resource,
         const std::string& name = "", const std::string& subresource = "") {
    const std::string space = resource.namespaced ? s.space : "";
    return s.must(who.allowed({{verb, resource, space, subresource, name}}), "access review", 0).at(0);
}

}  // namespace

CONTRACT("access", "an administrator may do everything, and answers come in order") {
    const auto all = MUST(s.cluster.allowed({{"create", kClaims, s.space, "", ""},
                                             {"delete", kVolumes, "", "", ""},
                                             {"create", kPods, s.space, "exec", ""}}));
    SAME(all, Json::array({true, true, true}));
}

CONTRACT("access", "a user without rights is told so for every verb, and every request is refused") {
    const Json made = s.make(config_map(s, "one"));
    kube::Cluster& nobody = s.limited({});
    const kube::ObjectRef ref = s.ref(kConfigMaps, "one");
    for (const char* verb : {"get", "list", "watch", "create", "patch", "update", "delete"})
        CHECK(!may(s, nobody, verb, kConfigMaps));
    FAILS(nobody.get(ref), 403, "Forbidden");
    FAILS(nobody.list(kConfigMaps, s.space), 403, "Forbidden");
    FAILS(nobody.watch(kConfigMaps, s.space, {}, version_of(made)), 403, "Forbidden");
    FAILS(nobody.create(config_map(s, "two")), 403, "Forbidden");
    FAILS(nobody.patch(ref, PatchType::kMerge, {{"data", {{"key", "x"}}}}, {}), 403, "Forbidden");
    FAILS(nobody.replace(ref, made), 403, "Forbidden");
    FAILS(nobody.remove(ref, {}), 403, "Forbidden");
    SAME(version_of(s.get(kConfigMaps, "one")), version_of(made));
}

CONTRACT("access", "without the right to read it cannot be seen whether an object is there") {
    FAILS(s.limited({}).get(s.ref(kConfigMaps, "none")), 403, "Forbidden");
}

CONTRACT("access", "each verb is a right of its own") {
    s.make(config_map(s, "one"));
    kube::Cluster& reader = s.limited({{{"get", "list"}, "configmaps", ""}});
    CHECK(may(s, reader, "get", kConfigMaps));
    CHECK(may(s, reader, "list", kConfigMaps));
    CHECK(!may(s, reader, "watch", kConfigMaps));
    CHECK(!may(s, reader, "patch", kConfigMaps));
    MUST(reader.get(s.ref(kConfigMaps, "one")));
    const kube::List list = MUST(reader.list(kConfigMaps, s.space));
    FAILS(reader.watch(kConfigMaps, s.space, {}, list.resource_version), 403, "Forbidden");
    FAILS(reader.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", "x"}}}}, {}), 403, "Forbidden");
}

CONTRACT("access", "replacing is update, not patch") {
    Json made = s.make(config_map(s, "one"));
    kube::Cluster& patcher = s.limited({{{"patch"}, "configmaps", ""}});
    FAILS(patcher.replace(s.ref(kConfigMaps, "one"), made), 403, "Forbidden");
    MUST(patcher.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", "x"}}}}, {}));
}

CONTRACT("access", "a right may be for one name") {
    s.make(config_map(s, "mine"));
    s.make(config_map(s, "other"));
    kube::Cluster& user = s.limited({{{"get", "patch"}, "configmaps", "mine"}});
    CHECK(may(s, user, "get", kConfigMaps, "mine"));
    CHECK(!may(s, user, "get", kConfigMaps, "other"));
    CHECK(!may(s, user, "get", kConfigMaps));
    MUST(user.get(s.ref(kConfigMaps, "mine")));
    FAILS(user.get(s.ref(kConfigMaps, "other")), 403, "Forbidden");
}

CONTRACT("access", "a right to create cannot be for one name: the name is not known yet") {
    kube::Cluster& user = s.limited({{{"create"}, "configmaps", "mine"}});
    FAILS(user.create(config_map(s, "mine")), 403, "Forbidden");
}

CONTRACT("access", "a subresource is a right of its own") {
    s.make(claim(s, "data"));
    kube::Cluster& user = s.limited({{{"patch"}, "persistentvolumeclaims", ""}, {{"create"}, "pods/exec", ""}});
    CHECK(may(s, user, "create", kPods, "", "exec"));
    CHECK(!may(s, user, "create", kPods));
    CHECK(!may(s, user, "patch", kClaims, "", "status"));
    MUST(user.patch(s.ref(kClaims, "data"), PatchType::kMerge, {{"metadata", {{"labels", {{"a", "b"}}}}}}, {}));
    FAILS(user.patch(s.ref(kClaims, "data"), PatchType::kMerge, {{"status", {{"phase", "Bound"}}}}, {}, DryRun::kNone,
                     "status"),
          403, "Forbidden");
}

CONTRACT("access", "scale can be allowed without the set itself") {
    const Json set = s.make(stateful_set(s, "db", 0));
    kube::Cluster& user = s.limited({{{"patch"}, "statefulsets.apps/scale", ""}});
    const kube::ObjectRef ref = s.ref(kStatefulSets, "db");
    const Json none = {{"spec", {{"replicas", 0}}}};
    MUST(user.patch(ref, PatchType::kMerge, none, {}, DryRun::kNone, "scale"));
    FAILS(user.patch(ref, PatchType::kMerge, none, {}), 403, "Forbidden");
}

CONTRACT("access", "a dry run needs the same rights") {
    kube::Cluster& nobody = s.limited({});
    FAILS(nobody.create(config_map(s, "one"), DryRun::kServer), 403, "Forbidden");
}

CONTRACT("access", "rights of a namespace say nothing of another, of all, or of the cluster") {
    kube::Cluster& user = s.limited({{{"get", "list"}, "configmaps", ""}, {{"get", "list"}, "persistentvolumes", ""}});
    MUST(user.list(kConfigMaps, s.space));
    FAILS(user.list(kConfigMaps, "default"), 403, "Forbidden");
    FAILS(user.list(kConfigMaps, ""), 403, "Forbidden");
    FAILS(user.list(kVolumes, ""), 403, "Forbidden");
    CHECK(!may(s, user, "list", kVolumes));
}

}  // namespace holdfast::contract
