#include "tests/contract/objects.h"

// Quota: what is over it is refused, and what goes makes room again.
namespace holdfast::contract {
namespace {

// In force, with what is there counted. Admission decides from a cache, in which the quota has no limits before its
// status has come there (resourcequota/controller.go, CheckRequest): a Lease that the same quota forbids shows that it
// has.
void limit(Stage& s, Json hard) {
    hard["count/leases.coordination.k8s.io"] = "0";
    s.make(quota(s, hard));
    s.until(kube::kResourceQuotas, "quota", "in force", [&](const Json& one) {
        const Json* status = kube::find_at(one, "/status/hard");
        const Json* used = kube::find_at(one, "/status/used");
        return status != nullptr && used != nullptr && status->size() == hard.size() && used->size() == hard.size();
    });
    s.until_refused("a Lease over the quota", 403,
                    [&] { return s.cluster.create(lease(s, "none", "me"), DryRun::kServer); });
}

void used_is(Stage& s, const std::string& what, const std::string& value) {
    s.until(kube::kResourceQuotas, "quota", "of " + value + " " + what, [&](const Json& one) {
        const Json* used = kube::find_at(one, "/status/used");
        return used != nullptr && used->contains(what) && (*used)[what] == value;
    });
}

}  // namespace

CONTRACT("quota", "storage over the quota is refused, and says so") {
    limit(s, {{"requests.storage", "100Mi"}});
    s.make(claim(s, "one"));
    const auto over = s.cluster.create(claim(s, "two"));
    FAILS(over, 403, "Forbidden");
    CHECK(!over.ok() && over.error().message.find("exceeded quota") != std::string::npos);
    CHECK(!s.there(kClaims, "two"));
    s.make(claim(s, "three", "", "36Mi"));
}

CONTRACT("quota", "more claims than allowed are refused") {
    limit(s, {{"persistentvolumeclaims", "1"}});
    s.make(claim(s, "one"));
    FAILS(s.cluster.create(claim(s, "two")), 403, "Forbidden");
}

CONTRACT("quota", "storage of one class is counted apart") {
    limit(s, {{"fast.storageclass.storage.k8s.io/requests.storage", "64Mi"}});
    s.make(claim(s, "one", "fast"));
    FAILS(s.cluster.create(claim(s, "two", "fast")), 403, "Forbidden");
    s.make(claim(s, "three"));
}

CONTRACT("quota", "objects of any kind can be counted") {
    limit(s, {{"count/volumesnapshots.snapshot.storage.k8s.io", "1"}});
    s.make(snapshot(s, "one", "data"));
    FAILS(s.cluster.create(snapshot(s, "two", "data")), 403, "Forbidden");
    FAILS(s.cluster.create(lease(s, "lock", "me")), 403, "Forbidden");
}

CONTRACT("quota", "what goes makes room") {
    limit(s, {{"persistentvolumeclaims", "1"}});
    s.make(claim(s, "one"));
    used_is(s, "persistentvolumeclaims", "1");
    s.remove(kClaims, "one");
    s.until_gone(kClaims, "one");
    used_is(s, "persistentvolumeclaims", "0");
    s.until_answered("admission knows of the room",
                     [&] { return s.cluster.create(claim(s, "two"), DryRun::kServer).ok(); });
    s.make(claim(s, "two"));
}

CONTRACT("quota", "what was there before it counts") {
    s.make(claim(s, "one", "fast"));
    // What is there is counted once, from a cache; the controller that has bound the claim counts from the same.
    bound_claim(s, "one");
    limit(s, {{"requests.storage", "100Mi"}});
    used_is(s, "requests.storage", "64Mi");
    FAILS(s.cluster.create(claim(s, "two")), 403, "Forbidden");
}

CONTRACT("quota", "a dry run over the quota is refused, one within it uses nothing") {
    limit(s, {{"persistentvolumeclaims", "1"}});
    MUST(s.cluster.create(claim(s, "dry"), DryRun::kServer));
    s.make(claim(s, "one"));
    FAILS(s.cluster.create(claim(s, "two"), DryRun::kServer), 403, "Forbidden");
}

CONTRACT("quota", "a claim cannot grow over it") {
    s.make(claim(s, "data", "fast"));
    s.until(kClaims, "data", "Bound", bound);
    limit(s, {{"requests.storage", "80Mi"}});
    used_is(s, "requests.storage", "64Mi");
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge,
                          {{"spec", {{"resources", {{"requests", {{"storage", "100Mi"}}}}}}}}, {}),
          403, "Forbidden");
    s.merge(kClaims, "data", {{"spec", {{"resources", {{"requests", {{"storage", "72Mi"}}}}}}}});
}

CONTRACT("quota", "a set whose claims are over it gets no pod, and gets one when there is room") {
    limit(s, {{"persistentvolumeclaims", "1"}});
    s.make(claim(s, "other"));
    s.make(stateful_set(s, "db", 1));
    s.until(kStatefulSets, "db", "seen",
            [](const Json& one) { return kube::number_at(one, "/status/observedGeneration", 0) == 1; });
    CHECK(!s.there(kClaims, "data-db-0"));
    CHECK(!s.there(kPods, "db-0"));
    s.remove(kClaims, "other");
    s.until(kClaims, "data-db-0", "Bound", bound);
    s.until(kPods, "db-0", "Ready", ready);
}

CONTRACT("quota", "other namespaces are free of it") {
    limit(s, Json::object());
    FAILS(s.cluster.create(lease(s, "one", "me")), 403, "Forbidden");
    Json other = lease(s, s.own("other"), "me");
    other["metadata"]["namespace"] = "default";
    MUST(s.cluster.create(other));
    MUST(s.cluster.remove({kLeases, "default", name_of(other)}, {}));
}

}  // namespace holdfast::contract
