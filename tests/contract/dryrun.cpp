#include "tests/contract/objects.h"

// Dry run: every check, no change.
namespace holdfast::contract {

CONTRACT("dryrun", "a create answers with the object as it would be, and makes nothing") {
    const Json would = MUST(s.cluster.create(claim(s, "data", "fast"), DryRun::kServer));
    CHECK(holds(would, "kubernetes.io/pvc-protection"));
    SAME(text_at(would, "/spec/volumeMode"), "Filesystem");
    CHECK(!uid_of(would).empty());
    CHECK(!s.there(kClaims, "data"));
}

CONTRACT("dryrun", "a patch answers with the object as it would be, and changes nothing") {
    const Json made = s.make(config_map(s, "one"));
    const Json would = MUST(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge,
                                            {{"data", {{"key", "other"}}}}, {}, DryRun::kServer));
    SAME(would["data"]["key"], "other");
    const Json is = s.get(kConfigMaps, "one");
    SAME(is["data"]["key"], "value");
    SAME(version_of(is), version_of(made));
}

CONTRACT("dryrun", "a replacement changes nothing") {
    Json made = s.make(config_map(s, "one"));
    made["data"]["key"] = "other";
    SAME(MUST(s.cluster.replace(s.ref(kConfigMaps, "one"), made, DryRun::kServer))["data"]["key"], "other");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

CONTRACT("dryrun", "a deletion deletes nothing, of whatever propagation") {
    s.make(config_map(s, "one"));
    for (const Propagation one : {Propagation::kBackground, Propagation::kForeground, Propagation::kOrphan})
        MUST(s.cluster.remove(s.ref(kConfigMaps, "one"), {}, one, DryRun::kServer));
    const Json is = s.get(kConfigMaps, "one");
    CHECK(!kube::deleting(is));
    CHECK(!has(is, "/metadata/finalizers"));
}

CONTRACT("dryrun", "a name that is taken, a namespace that is not there, a name that is none: refused as ever") {
    s.make(config_map(s, "one"));
    FAILS(s.cluster.create(config_map(s, "one"), DryRun::kServer), 409, "AlreadyExists");
    Json nowhere_map = config_map(s, "two");
    nowhere_map["metadata"]["namespace"] = s.space + "-none";
    FAILS(s.cluster.create(nowhere_map, DryRun::kServer), 404, "NotFound");
    FAILS(s.cluster.create(config_map(s, "Upper_Case"), DryRun::kServer), 422, "Invalid");
}

CONTRACT("dryrun", "an old version and another uid are refused as ever") {
    const Json made = s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "second"}}}});
    const kube::ObjectRef ref = s.ref(kConfigMaps, "one");
    const kube::Preconditions old{uid_of(made), version_of(made)};
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"data", {{"key", "x"}}}}, old, DryRun::kServer), 409, "Conflict");
    FAILS(s.cluster.remove(ref, old, Propagation::kBackground, DryRun::kServer), 409, "Conflict");
    FAILS(s.cluster.replace(ref, made, DryRun::kServer), 409, "Conflict");
}

CONTRACT("dryrun", "what cannot be changed is refused as ever") {
    s.make(stateful_set(s, "db", 0));
    FAILS(s.cluster.patch(s.ref(kStatefulSets, "db"), PatchType::kMerge, {{"spec", {{"serviceName", "x"}}}}, {},
                          DryRun::kServer),
          422, "Invalid");
    s.make(claim(s, "data"));
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge, {{"spec", {{"storageClassName", "slow"}}}}, {},
                          DryRun::kServer),
          422, "Invalid");
}

CONTRACT("dryrun", "a data source that would be dropped is missing from the answer") {
    Json copy = restored(claim(s, "copy", "fast"), "one");
    copy["spec"]["dataSource"]["apiGroup"] = "snapshots.example.org";
    CHECK(!has(MUST(s.cluster.create(copy, DryRun::kServer)), "/spec/dataSource"));
}

CONTRACT("dryrun", "several creates: each answers for itself, none is made") {
    s.make(config_map(s, "taken"));
    const auto answers =
        s.cluster.create_all({config_map(s, "a"), config_map(s, "taken"), config_map(s, "b")}, DryRun::kServer);
    MUST(answers.at(0));
    FAILS(answers.at(1), 409, "AlreadyExists");
    MUST(answers.at(2));
    CHECK(!s.there(kConfigMaps, "a"));
    CHECK(!s.there(kConfigMaps, "b"));
}

CONTRACT("dryrun", "a set would get its defaults, and gets no pods") {
    const Json would = MUST(s.cluster.create(stateful_set(s, "db", 1), DryRun::kServer));
    SAME(would["spec"]["podManagementPolicy"], "OrderedReady");
    CHECK(!s.there(kStatefulSets, "db"));
    SAME(MUST(s.cluster.list(kPods, s.space)).items.size(), 0);
}

}  // namespace holdfast::contract
