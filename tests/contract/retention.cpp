#include "tests/contract/objects.h"

// What becomes of a StatefulSet's claims under its persistentVolumeClaimRetentionPolicy.
namespace holdfast::contract {
namespace {

// The collector goes by a graph of its own, into which it takes one kind's events in their order: once it has collected
// this claim, it knows the owners of all that were written before.
void until_collector_knows_claims(Stage& s) {
    Json nobody = config_map(s, "nobody");
    nobody["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555";
    s.make(owned_by(claim(s, "orphan"), nobody));
    s.until_gone(kClaims, "orphan");
}

Json policy(const char* deleted, const char* scaled) { return {{"whenDeleted", deleted}, {"whenScaled", scaled}}; }

}  // namespace

CONTRACT("retention", "whenScaled Delete: a claim goes with the pod that is too much, the others stay") {
    Json manifest = stateful_set(s, "db", 2);
    manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Retain", "Delete");
    s.make(manifest);
    is_up(s, "db", 2);
    CHECK(!has(s.get(kClaims, "data-db-1"), "/metadata/ownerReferences"));
    scale(s, "db", 1);
    s.until_gone(kClaims, "data-db-1");
    s.never(
        kClaims, "data-db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
}

CONTRACT("retention", "whenDeleted Delete: claims are the set's, and go with it") {
    Json manifest = stateful_set(s, "db", 1);
    manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Delete", "Retain");
    const Json set = s.make(manifest);
    is_up(s, "db", 1);
    s.until(kClaims, "data-db-0", "the set's", [&](const Json& one) { return owner_of(one) == uid_of(set); });
    s.remove(kStatefulSets, "db");
    s.until_gone(kPods, "db-0");
    s.until_gone(kClaims, "data-db-0");
}

CONTRACT("retention", "whenDeleted Delete, scaled to zero: claims stay") {
    Json manifest = stateful_set(s, "db", 1);
    manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Delete", "Retain");
    s.make(manifest);
    is_up(s, "db", 1);
    scale(s, "db", 0);
    s.until_gone(kPods, "db-0");
    s.never(
        kClaims, "data-db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1500));
}

CONTRACT("retention", "set back to Retain, claims lose their owner and outlive the set") {
    Json manifest = stateful_set(s, "db", 1);
    manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Delete", "Delete");
    const Json set = s.make(manifest);
    is_up(s, "db", 1);
    s.until(kClaims, "data-db-0", "the set's", [&](const Json& one) { return owner_of(one) == uid_of(set); });
    s.merge(kStatefulSets, "db", {{"spec", {{"persistentVolumeClaimRetentionPolicy", policy("Retain", "Retain")}}}});
    s.until(kClaims, "data-db-0", "free", [](const Json& one) { return !has(one, "/metadata/ownerReferences"); });
    s.remove(kStatefulSets, "db");
    s.until_gone(kPods, "db-0");
    s.never(
        kClaims, "data-db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
}

CONTRACT("retention", "whenDeleted Delete, deleted with orphan: claims stay and lose their owner") {
    Json manifest = stateful_set(s, "db", 1);
    manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Delete", "Retain");
    const Json set = s.make(manifest);
    is_up(s, "db", 1);
    s.until(kClaims, "data-db-0", "the set's", [&](const Json& one) { return owner_of(one) == uid_of(set); });
    until_collector_knows_claims(s);
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    const Json claim = s.get(kClaims, "data-db-0");
    CHECK(!has(claim, "/metadata/ownerReferences"));
    CHECK(!kube::deleting(claim));
}

}  // namespace holdfast::contract
