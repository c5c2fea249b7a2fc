#include "tests/contract/objects.h"

// Versions, identities and what a write may presuppose.
namespace holdfast::contract {

CONTRACT("versions", "a create answers with uid, creation time and version") {
    const Json made = s.make(config_map(s, "one"));
    CHECK(!uid_of(made).empty());
    CHECK(!version_of(made).empty());
    CHECK(!kube::created_of(made).empty());
    SAME(text_at(made, "/metadata/namespace"), s.space);
    SAME(s.get(kConfigMaps, "one")["data"], made["data"]);
}

CONTRACT("versions", "every write raises the version, and a write that changes nothing keeps it") {
    const Json first = s.make(config_map(s, "one"));
    const Json second = s.merge(kConfigMaps, "one", {{"data", {{"key", "other"}}}});
    CHECK(std::stoll(version_of(second)) > std::stoll(version_of(first)));
    const Json third = s.merge(kConfigMaps, "one", {{"data", {{"key", "other"}}}});
    SAME(version_of(third), version_of(second));
    SAME(uid_of(third), uid_of(first));
}

CONTRACT("versions", "a StatefulSet's generation counts changes of its spec alone") {
    const Json made = s.make(stateful_set(s, "set", 0, false));
    SAME(made["metadata"]["generation"], 1);
    const Json labelled = s.merge(kStatefulSets, "set", {{"metadata", {{"labels", {{"a", "b"}}}}}});
    SAME(labelled["metadata"]["generation"], 1);
    const Json changed = s.merge(kStatefulSets, "set", {{"spec", {{"minReadySeconds", 1}}}});
    SAME(changed["metadata"]["generation"], 2);
}

CONTRACT("versions", "claims and ConfigMaps have no generation") {
    CHECK(!has(s.make(config_map(s, "one")), "/metadata/generation"));
    CHECK(!has(s.make(claim(s, "data")), "/metadata/generation"));
}

CONTRACT("versions", "a name that is taken is refused, and what has it stays as it is") {
    s.make(config_map(s, "one"));
    FAILS(s.cluster.create(config_map(s, "one", {{"key", "other"}})), 409, "AlreadyExists");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

CONTRACT("versions", "what is not there is not found: read, patch, replace, delete") {
    const kube::ObjectRef none = s.ref(kConfigMaps, "none");
    FAILS(s.cluster.get(none), 404, "NotFound");
    FAILS(s.cluster.patch(none, PatchType::kMerge, {{"data", {{"a", "b"}}}}, {}), 404, "NotFound");
    FAILS(s.cluster.remove(none, {}), 404, "NotFound");
    Json object = s.make(config_map(s, "one"));
    object["metadata"]["name"] = "none";
    FAILS(s.cluster.replace(none, object), 404, "NotFound");
}

CONTRACT("versions", "nothing is made in a namespace that is not there") {
    Json made = config_map(s, "one");
    made["metadata"]["namespace"] = s.space + "-none";
    FAILS(s.cluster.create(made), 404, "NotFound");
}

CONTRACT("versions", "a name that is no DNS name is invalid") {
    FAILS(s.cluster.create(config_map(s, "Upper_Case")), 422, "Invalid");
}

CONTRACT("versions", "a create that brings a resourceVersion is refused") {
    Json made = config_map(s, "one");
    made["metadata"]["resourceVersion"] = "1";
    CHECK(!s.cluster.create(made).ok());
    CHECK(!s.there(kConfigMaps, "one"));
}

CONTRACT("versions", "a create that brings a uid and a deletion time gets its own") {
    Json made = config_map(s, "one");
    made["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555";
    made["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z";
    made["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z";
    const Json is = s.make(made);
    CHECK(uid_of(is) != "11111111-2222-3333-4444-555555555555");
    CHECK(!kube::deleting(is));
    CHECK(kube::created_of(is) != "2020-01-01T00:00:00Z");
}

CONTRACT("versions", "a patch with an old resourceVersion conflicts and changes nothing") {
    const Json first = s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "second"}}}});
    FAILS(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", "third"}}}},
                          {"", version_of(first)}),
          409, "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "second");
}

CONTRACT("versions", "a patch with the current uid and resourceVersion is carried out") {
    const Json first = s.make(config_map(s, "one"));
    const Json second = MUST(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge,
                                             {{"data", {{"key", "second"}}}}, {uid_of(first), version_of(first)}));
    SAME(second["data"]["key"], "second");
}

CONTRACT("versions", "a patch with the uid of an object that was made anew conflicts") {
    const Json first = s.make(config_map(s, "one"));
    s.remove(kConfigMaps, "one");
    s.make(config_map(s, "one"));
    FAILS(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", "third"}}}},
                          {uid_of(first), ""}),
          409, "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "value");
}

CONTRACT("versions", "replacing with an old resourceVersion conflicts") {
    Json first = s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "second"}}}});
    first["data"]["key"] = "third";
    FAILS(s.cluster.replace(s.ref(kConfigMaps, "one"), first), 409, "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "second");
}

CONTRACT("versions", "replacing an object that was made anew conflicts") {
    const Json first = s.make(config_map(s, "one"));
    s.remove(kConfigMaps, "one");
    s.make(config_map(s, "one", {{"key", "new"}}));
    FAILS(s.cluster.replace(s.ref(kConfigMaps, "one"), first), 409, "Conflict");
    SAME(s.get(kConfigMaps, "one")["data"]["key"], "new");
}

CONTRACT("versions", "deleting with an old resourceVersion or another uid conflicts") {
    const Json first = s.make(config_map(s, "one"));
    const Json second = s.merge(kConfigMaps, "one", {{"data", {{"key", "second"}}}});
    const kube::ObjectRef ref = s.ref(kConfigMaps, "one");
    FAILS(s.cluster.remove(ref, {uid_of(first), version_of(first)}), 409, "Conflict");
    FAILS(s.cluster.remove(ref, {"11111111-2222-3333-4444-555555555555", ""}), 409, "Conflict");
    CHECK(s.there(kConfigMaps, "one"));
    MUST(s.cluster.remove(ref, {uid_of(second), version_of(second)}));
    CHECK(!s.there(kConfigMaps, "one"));
}

CONTRACT("versions", "an object made anew has another uid and a later version") {
    const Json first = s.make(config_map(s, "one"));
    s.remove(kConfigMaps, "one");
    const Json second = s.make(config_map(s, "one"));
    CHECK(uid_of(first) != uid_of(second));
    CHECK(std::stoll(version_of(second)) > std::stoll(version_of(first)));
}

CONTRACT("versions", "of two who swap the same version of a ConfigMap one wins") {
    Json mine = s.make(config_map(s, "lock"));
    Json theirs = mine;
    mine["data"]["key"] = "mine";
    theirs["data"]["key"] = "theirs";
    MUST(s.cluster.replace(s.ref(kConfigMaps, "lock"), mine));
    FAILS(s.cluster.replace(s.ref(kConfigMaps, "lock"), theirs), 409, "Conflict");
    SAME(s.get(kConfigMaps, "lock")["data"]["key"], "mine");
}

CONTRACT("versions", "of two who make the same ConfigMap one wins") {
    const auto answers =
        s.cluster.create_all({config_map(s, "lock", {{"owner", "a"}}), config_map(s, "lock", {{"owner", "b"}})});
    CHECK(answers[0].ok() != answers[1].ok());
    FAILS(answers[0].ok() ? answers[1] : answers[0], 409, "AlreadyExists");
}

CONTRACT("versions", "a Lease is swapped as a ConfigMap is: renewals conflict after a takeover") {
    const Json first = s.make(lease(s, "lock", "a"));
    const kube::ObjectRef ref = s.ref(kLeases, "lock");
    MUST(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"holderIdentity", "b"}}}},
                         {uid_of(first), version_of(first)}));
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"renewTime", "2026-11-21T00:00:00.000000Z"}}}},
                          {uid_of(first), version_of(first)}),
          409, "Conflict");
    SAME(s.get(kLeases, "lock")["spec"]["holderIdentity"], "b");
}

CONTRACT("versions", "a renewal of a Lease that is gone does not make it again") {
    Json first = s.make(lease(s, "lock", "a"));
    s.remove(kLeases, "lock");
    FAILS(s.cluster.patch(s.ref(kLeases, "lock"), PatchType::kMerge, {{"spec", {{"holderIdentity", "a"}}}},
                          {uid_of(first), version_of(first)}),
          404, "NotFound");
    CHECK(!s.cluster.replace(s.ref(kLeases, "lock"), first).ok());
    CHECK(!s.there(kLeases, "lock"));
}

CONTRACT("versions", "creation time and generation cannot be changed: what a patch says of them is ignored") {
    const Json made = s.make(stateful_set(s, "set", 0, false));
    const Json is = s.merge(kStatefulSets, "set",
                            {{"metadata", {{"creationTimestamp", "2020-01-01T00:00:00Z"}, {"generation", 7}}}});
    SAME(kube::created_of(is), kube::created_of(made));
    SAME(is["metadata"]["generation"], 1);
}

CONTRACT("versions", "a new version is there for every reader at once") {
    s.make(config_map(s, "one"));
    for (int turn = 0; turn < 5; ++turn) {
        const std::string value = std::to_string(turn);
        s.merge(kConfigMaps, "one", {{"data", {{"key", value}}}});
        SAME(s.get(kConfigMaps, "one")["data"]["key"], value);
        const kube::List list = MUST(s.cluster.list(kConfigMaps, s.space, {"", "metadata.name=one"}));
        SAME(list.items.at(0)["data"]["key"], value);
    }
}

}  // namespace holdfast::contract
