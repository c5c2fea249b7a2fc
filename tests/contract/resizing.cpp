#include "tests/contract/objects.h"

#include "common/kube/objects/resize.h"

// Growing claims, in the controller and on the node, and a StatefulSet that is made anew over its pods.
namespace holdfast::contract {
namespace {

Json asks_for(const char* size) { return {{"spec", {{"resources", {{"requests", {{"storage", size}}}}}}}}; }

Predicate has_capacity(const char* size) {
    return [size](const Json& claim) {
        const auto capacity = kube::capacity_of(claim);
        return capacity && *capacity >= Quantity::parse(size).value();
    };
}

Predicate waits_for_node() {
    return [](const Json& claim) { return kube::resize_state_of(claim).waits_for_node(); };
}

Json anew(const Json& live) {
    Json made = {{"apiVersion", "apps/v1"}, {"kind", "StatefulSet"}, {"spec", live["spec"]}};
    made["metadata"] = {{"name", name_of(live)}, {"namespace", kube::space_of(live)}};
    return made;
}

}  // namespace

CONTRACT("resizing", "a mounted claim that asks for more has more capacity, and nothing is left of the way there") {
    s.make(claim(s, "data", "fast"));
    bound_claim(s, "data");
    s.make(pod(s, "one", {"data"}));
    s.until(kPods, "one", "Running", phase_is("Running"));
    s.merge(kClaims, "data", asks_for("128Mi"));
    const Json grown = s.until(kClaims, "data", "of 128Mi", has_capacity("128Mi"));
    SAME(text_at(grown, "/status/allocatedResources/storage"), "128Mi");
    SAME(kube::resize_state_of(grown).status, "");
    CHECK(!has(grown, "/status/conditions/0"));
    SAME(text_at(s.get(kVolumes, volume_of(grown)), "/spec/capacity/storage"), "128Mi");
}

CONTRACT("resizing", "without a pod the volume grows, and the claim waits for a node until one mounts it") {
    s.make(claim(s, "data", "fast"));
    bound_claim(s, "data");
    s.merge(kClaims, "data", asks_for("128Mi"));
    const Json waiting = s.until(kClaims, "data", "waiting for a node", waits_for_node());
    SAME(text_at(waiting, "/status/capacity/storage"), "64Mi");
    SAME(text_at(s.get(kVolumes, volume_of(waiting)), "/spec/capacity/storage"), "128Mi");
    s.never(kClaims, "data", "of 128Mi", has_capacity("128Mi"), milliseconds(1500));
    s.make(pod(s, "one", {"data"}));
    s.until(kClaims, "data", "of 128Mi", has_capacity("128Mi"));
}

CONTRACT("resizing", "a filesystem that grows only before it is mounted waits for the pod's next start") {
    s.make(claim(s, "data", "fast-offline"));
    s.until(kClaims, "data", "Bound", bound);
    s.make(pod(s, "one", {"data"}));
    s.until(kPods, "one", "Running", phase_is("Running"));
    s.merge(kClaims, "data", asks_for("128Mi"));
    s.until(kClaims, "data", "waiting for a node", waits_for_node());
    s.never(kClaims, "data", "of 128Mi", has_capacity("128Mi"), milliseconds(1500));
    s.remove(kPods, "one");
    s.until_gone(kPods, "one");
    s.make(pod(s, "two", {"data"}));
    s.until(kClaims, "data", "of 128Mi", has_capacity("128Mi"));
}

CONTRACT("resizing", "a class that does not expand refuses, and a size below the capacity is invalid") {
    s.make(claim(s, "fixed", "fast-fixed"));
    s.until(kClaims, "fixed", "Bound", bound);
    FAILS(s.cluster.patch(s.ref(kClaims, "fixed"), PatchType::kMerge, asks_for("128Mi"), {}, DryRun::kNone, ""), 403,
          "Forbidden");
    s.make(claim(s, "data", "fast"));
    bound_claim(s, "data");
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge, asks_for("32Mi"), {}, DryRun::kNone, ""), 422,
          "Invalid");
}

CONTRACT("resizing", "a claim that is not bound cannot ask for more") {
    s.make(claim(s, "data", "fast-later"));
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge, asks_for("128Mi"), {}, DryRun::kNone, ""), 422,
          "Invalid");
}

CONTRACT("resizing", "what the storage refuses for good is Infeasible; asking for less after it is pursued") {
    s.make(claim(s, "data", "fast"));
    bound_claim(s, "data");
    s.make(pod(s, "one", {"data"}));
    s.until(kPods, "one", "Running", phase_is("Running"));
    s.merge(kClaims, "data", asks_for("2Ti"));
    const Json refused =
        s.until(kClaims, "data", "infeasible", [](const Json& one) { return kube::resize_state_of(one).infeasible(); });
    SAME(text_at(refused, "/status/allocatedResources/storage"), "2Ti");
    SAME(text_at(refused, "/status/capacity/storage"), "64Mi");
    s.until(kClaims, "data", "told why", [](const Json& one) { return !kube::resize_state_of(one).error.empty(); });
    FAILS(s.cluster.patch(s.ref(kClaims, "data"), PatchType::kMerge, asks_for("64Mi"), {}, DryRun::kNone, ""), 422,
          "Invalid");
    // The resizer puts what it has just written into its own cache (claims.Update, expand_and_recover.go), over a
    // change that came there meanwhile, and would look again only after minutes; any later change it sees.
    s.merge(kClaims, "data", asks_for("96Mi"));
    const Json grown = s.until_looked_again(kClaims, "data", "of 96Mi", has_capacity("96Mi"));
    SAME(kube::resize_state_of(grown).status, "");
}

CONTRACT("resizing", "a set deleted without its pods and made anew with another size takes them up as they are") {
    const Json set = s.make(stateful_set(s, "db", 2));
    is_up(s, "db", 2);
    const Json live = s.get(kStatefulSets, "db");
    const Json one = s.get(kPods, "db-0");
    MUST(s.cluster.remove(s.ref(kStatefulSets, "db"), {uid_of(live), ""}, Propagation::kOrphan));
    s.until_gone(kStatefulSets, "db");
    SAME(owner_of(s.get(kPods, "db-0")), "");
    Json made = anew(live);
    made["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "128Mi";
    made = s.make(made);
    s.until_count(kPods, 2, "adopted", [&](const Json& pod) { return owner_of(pod) == uid_of(made); }, {"app=db", ""});
    is_up(s, "db", 2);
    SAME(uid_of(s.get(kPods, "db-0")), uid_of(one));
    const Json now = s.get(kStatefulSets, "db");
    SAME(text_at(now, "/status/updateRevision"), text_at(live, "/status/updateRevision"));
    SAME(text_at(now, "/status/currentRevision"), text_at(live, "/status/currentRevision"));
    SAME(text_at(s.get(kClaims, "data-db-0"), "/spec/resources/requests/storage"), "64Mi");
    CHECK(uid_of(set) != uid_of(now));
}

CONTRACT("resizing", "the sizes of volumeClaimTemplates cannot be changed in place") {
    Json manifest = stateful_set(s, "db", 0);
    s.make(manifest);
    Json templates = s.get(kStatefulSets, "db")["spec"]["volumeClaimTemplates"];
    templates[0]["spec"]["resources"]["requests"]["storage"] = "128Mi";
    FAILS(s.cluster.patch(s.ref(kStatefulSets, "db"), PatchType::kMerge,
                          {{"spec", {{"volumeClaimTemplates", templates}}}}, {}, DryRun::kNone, ""),
          422, "Invalid");
}

CONTRACT("resizing", "an orphaning deletion names the version that was read: changed since then, it is refused") {
    s.make(stateful_set(s, "db", 0));
    const Json read = s.get(kStatefulSets, "db");
    s.merge(kStatefulSets, "db", {{"spec", {{"replicas", 1}}}});
    FAILS(s.cluster.remove(s.ref(kStatefulSets, "db"), {uid_of(read), version_of(read)}, Propagation::kOrphan), 409,
          "Conflict");
    CHECK(s.there(kStatefulSets, "db"));
}

}  // namespace holdfast::contract
