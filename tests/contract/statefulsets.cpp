#include "tests/contract/objects.h"

#include <algorithm>

// StatefulSets: what they make, in which order, what they wait for, and what becomes of it without them.
namespace holdfast::contract {
namespace {

// As the controller has seen them, which decides by that.
void counts_ready(Stage& s, const std::string& set, int pods) {
    s.until(kStatefulSets, set, "seen with " + std::to_string(pods) + " ready pods",
            [&](const Json& one) { return kube::number_at(one, "/status/readyReplicas", 0) == pods; });
}

// Waits until the pods are gone, and tells the order in which their deletion began and they came.
std::vector<std::string> history(Stage& s, kube::Watch& watch, const std::function<bool(std::size_t)>& enough) {
    std::vector<std::string> told;
    std::vector<std::string> begun;  // uids
    while (!enough(told.size())) {
        const auto event = s.must(watch.next(milliseconds(180000)), "next event", 0);
        if (!event) s.stop(0, "no event came in three minutes");
        const std::string name = name_of(event->object), uid = uid_of(event->object);
        if (event->type == kube::WatchEvent::Type::kAdded) told.push_back("+" + name);
        const bool first = std::find(begun.begin(), begun.end(), uid) == begun.end();
        if (event->type == kube::WatchEvent::Type::kModified && kube::deleting(event->object) && first) {
            begun.push_back(uid);
            told.push_back("-" + name);
        }
    }
    return told;
}

std::unique_ptr<kube::Watch> pods_from_now(Stage& s) {
    const kube::List list = s.must(s.cluster.list(kPods, s.space), "list", 0);
    return s.must(s.cluster.watch(kPods, s.space, {}, list.resource_version), "watch", 0);
}

}  // namespace

CONTRACT("statefulsets", "a set makes pods and claims named after template, set and ordinal, and owns the pods alone") {
    const Json set = s.make(stateful_set(s, "db", 2));
    is_up(s, "db", 2);
    const Json one = s.get(kPods, "db-1");
    SAME(owner_of(one), uid_of(set));
    SAME(one["metadata"]["ownerReferences"][0]["controller"], true);
    SAME(kube::label_of(one, "app"), "db");
    SAME(kube::label_of(one, "statefulset.kubernetes.io/pod-name"), "db-1");
    SAME(kube::label_of(one, "apps.kubernetes.io/pod-index"), "1");
    SAME(kube::claims_of_pod_spec(one["spec"])["data"], "data-db-1");
    const Json claim = s.get(kClaims, "data-db-1");
    SAME(kube::label_of(claim, "app"), "db");
    CHECK(!has(claim, "/metadata/ownerReferences"));
    CHECK(bound(claim));
}

CONTRACT("statefulsets", "the API server fills in replicas, order and retention policy") {
    Json manifest = stateful_set(s, "db", 0);
    manifest["spec"]["replicas"] = nullptr;
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {{"kubernetes.io/hostname", "nowhere"}};
    const Json set = s.make(manifest);
    SAME(set["spec"]["replicas"], 1);
    SAME(set["spec"]["podManagementPolicy"], "OrderedReady");
    SAME(set["spec"]["persistentVolumeClaimRetentionPolicy"],
         Json({{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}));
    SAME(text_at(set, "/spec/updateStrategy/type"), "RollingUpdate");
}

CONTRACT("statefulsets", "OrderedReady: pods come one after the other, each when the one before is Ready") {
    const auto watch = pods_from_now(s);
    Json manifest = stateful_set(s, "db", 2, false);
    gated(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    s.until(kPods, "db-0", "Running", phase_is("Running"));
    s.never(kPods, "db-0", "Ready", ready, milliseconds(1500));
    CHECK(!s.there(kPods, "db-1"));
    set_gate(s, "db-0", true);
    const auto told = history(s, *watch, [](std::size_t count) { return count == 2; });
    SAME(told, Json::array({"+db-0", "+db-1"}));
}

CONTRACT("statefulsets", "Parallel: pods do not wait for each other") {
    Json manifest = stateful_set(s, "db", 2, false);
    manifest["spec"]["podManagementPolicy"] = "Parallel";
    nowhere(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    s.until_count(kPods, 2, "there", [](const Json&) { return true; });
}

CONTRACT("statefulsets", "scaled down, the highest ordinal goes first, and the next only when it is gone") {
    s.make(stateful_set(s, "db", 3, false));
    is_up(s, "db", 3);
    const auto watch = pods_from_now(s);
    scale(s, "db", 1);
    const auto told = history(s, *watch, [](std::size_t count) { return count == 2; });
    SAME(told, Json::array({"-db-2", "-db-1"}));
    s.until_gone(kPods, "db-1");
    is_up(s, "db", 1);
}

CONTRACT("statefulsets", "scaled to zero, pods go and claims stay") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    scale(s, "db", 0);
    s.until_gone(kPods, "db-0");
    s.until(kStatefulSets, "db", "down",
            [](const Json& one) { return kube::number_at(one, "/status/replicas", -1) == 0; });
    s.never(
        kClaims, "data-db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
}

CONTRACT("statefulsets", "scaled up again, a pod gets the claim that was its own") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    const Json claim = s.get(kClaims, "data-db-0");
    scale(s, "db", 0);
    s.until_gone(kPods, "db-0");
    scale(s, "db", 1);
    is_up(s, "db", 1);
    SAME(uid_of(s.get(kClaims, "data-db-0")), uid_of(claim));
}

CONTRACT("statefulsets", "scale to zero waits behind an unready pod of a lower ordinal, until that is deleted") {
    Json manifest = stateful_set(s, "db", 2, false);
    gated(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    s.until(kPods, "db-0", "Running", phase_is("Running"));
    set_gate(s, "db-0", true);
    s.until(kPods, "db-1", "Running", phase_is("Running"));
    counts_ready(s, "db", 1);
    set_gate(s, "db-0", false);
    counts_ready(s, "db", 0);
    scale(s, "db", 0);
    // db-1 is unready too and not the first unready one: neither goes by itself.
    s.never(kPods, "db-1", "deleted", [](const Json& one) { return kube::deleting(one); });
    CHECK(!kube::deleting(s.get(kPods, "db-0")));
    s.remove(kPods, "db-1");
    s.until_gone(kPods, "db-1");
    s.until_gone(kPods, "db-0");
}

CONTRACT("statefulsets", "scale to zero: the first unready pod itself is taken") {
    Json manifest = stateful_set(s, "db", 1, false);
    gated(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    s.until(kPods, "db-0", "Running", phase_is("Running"));
    scale(s, "db", 0);
    s.until_gone(kPods, "db-0");
}

CONTRACT("statefulsets", "Parallel: scale to zero does not wait for unready pods") {
    Json manifest = stateful_set(s, "db", 2, false);
    manifest["spec"]["podManagementPolicy"] = "Parallel";
    nowhere(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    s.until_count(kPods, 2, "there", [](const Json&) { return true; });
    scale(s, "db", 0);
    s.until_count(kPods, 0, "there", [](const Json&) { return true; });
}

CONTRACT("statefulsets", "a pod that is deleted comes again: same name, same claim, another uid") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    const Json pod = s.get(kPods, "db-0"), claim = s.get(kClaims, "data-db-0");
    s.remove(kPods, "db-0");
    const Json again = s.until(kPods, "db-0", "new", [&](const Json& one) { return uid_of(one) != uid_of(pod); });
    SAME(kube::claims_of_pod_spec(again["spec"])["data"], "data-db-0");
    is_up(s, "db", 1);
    SAME(uid_of(s.get(kClaims, "data-db-0")), uid_of(claim));
}

CONTRACT("statefulsets", "a claim that is there under the right name is used as it is") {
    const Json own = s.make(claim(s, "data-db-0", "fast", "100Mi"));
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    const Json is = s.get(kClaims, "data-db-0");
    SAME(uid_of(is), uid_of(own));
    SAME(text_at(is, "/spec/resources/requests/storage"), "100Mi");
}

CONTRACT("statefulsets", "a claim deleted at zero replicas is made anew from the template") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    const std::string old = uid_of(s.get(kClaims, "data-db-0"));
    scale(s, "db", 0);
    s.until_gone(kPods, "db-0");
    s.remove(kClaims, "data-db-0");
    s.until_gone(kClaims, "data-db-0");
    scale(s, "db", 1);
    s.until(kClaims, "data-db-0", "new", [&](const Json& one) { return uid_of(one) != old; });
    is_up(s, "db", 1);
}

CONTRACT("statefulsets", "a volume reserved for a claim is what a set's new claim gets") {
    Json pv = volume(s, "v", "64Mi");
    s.make(reserved_for(s, pv, "data-db-0"));
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    Json manifest = stateful_set(s, "db", 1);
    nowhere(manifest["spec"]["template"]["spec"]);
    s.make(manifest);
    SAME(text_at(s.until(kClaims, "data-db-0", "Bound", bound), "/spec/volumeName"), s.own("v"));
}

CONTRACT("statefulsets", "no pod is made while its claim is being deleted") {
    Json held = claim(s, "data-db-0", "fast");
    held["metadata"]["finalizers"] = Json::array({"hf.test/hold"});
    s.make(held);
    s.remove(kClaims, "data-db-0");
    // The controllers of claims and of sets read one cache: who takes protection away has seen the deletion there.
    s.until(kClaims, "data-db-0", "free of its protection",
            [](const Json& one) { return !holds(one, "kubernetes.io/pvc-protection"); });
    s.make(stateful_set(s, "db", 1));
    s.until(kStatefulSets, "db", "seen",
            [](const Json& one) { return kube::number_at(one, "/status/observedGeneration", 0) == 1; });
    s.never(
        kClaims, "data-db-0", "new", [](const Json& one) { return !kube::deleting(one); }, milliseconds(1500));
    CHECK(!s.there(kPods, "db-0"));
    s.merge(kClaims, "data-db-0", {{"metadata", {{"finalizers", nullptr}}}});
    is_up(s, "db", 1);
}

CONTRACT("statefulsets", "ordinals may begin elsewhere") {
    Json manifest = stateful_set(s, "db", 2, false);
    manifest["spec"]["ordinals"] = {{"start", 3}};
    s.make(manifest);
    is_up(s, "db", 2);
    const kube::List pods = MUST(s.cluster.list(kPods, s.space));
    SAME(names_of(pods.items), Json::array({"db-3", "db-4"}));
}

CONTRACT("statefulsets", "status counts pods, ready and available ones, and names the revision") {
    s.make(stateful_set(s, "db", 1, false));
    is_up(s, "db", 1);
    const Json set = s.until(kStatefulSets, "db", "available", [](const Json& one) {
        return kube::number_at(one, "/status/availableReplicas", 0) == 1 &&
               kube::number_at(one, "/status/updatedReplicas", 0) == 1;
    });
    SAME(text_at(set, "/status/currentRevision"), text_at(set, "/status/updateRevision"));
    CHECK(text_at(set, "/status/currentRevision").starts_with("db-"));
    SAME(kube::label_of(s.get(kPods, "db-0"), "controller-revision-hash"), text_at(set, "/status/currentRevision"));
}

CONTRACT("statefulsets", "deleted in the background, pods go and claims stay") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    s.remove(kStatefulSets, "db", Propagation::kBackground);
    s.until_gone(kPods, "db-0");
    CHECK(!s.there(kStatefulSets, "db"));
    s.never(
        kClaims, "data-db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
}

CONTRACT("statefulsets", "deleted in the foreground, the set goes after its pods") {
    s.make(stateful_set(s, "db", 1, false));
    is_up(s, "db", 1);
    s.remove(kStatefulSets, "db", Propagation::kForeground);
    s.until_gone(kStatefulSets, "db");
    CHECK(!s.there(kPods, "db-0"));
}

CONTRACT("statefulsets", "deleted with orphan, pods run on without an owner") {
    s.make(stateful_set(s, "db", 2));
    is_up(s, "db", 2);
    const Json before = s.get(kPods, "db-0");
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    for (const char* name : {"db-0", "db-1"}) {
        const Json pod = s.get(kPods, name);
        CHECK(!has(pod, "/metadata/ownerReferences"));
        CHECK(!kube::deleting(pod));
        CHECK(ready(pod));
    }
    SAME(uid_of(s.get(kPods, "db-0")), uid_of(before));
}

CONTRACT("statefulsets", "made anew, the set adopts its pods, and none is started again") {
    const Json old = s.make(stateful_set(s, "db", 2));
    is_up(s, "db", 2);
    const std::string first = uid_of(s.get(kPods, "db-0")), second = uid_of(s.get(kPods, "db-1"));
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    const Json set = s.make(stateful_set(s, "db", 2));
    CHECK(uid_of(set) != uid_of(old));
    for (const char* name : {"db-0", "db-1"}) {
        const Json pod = s.until(kPods, name, "adopted", [&](const Json& one) { return owner_of(one) == uid_of(set); });
        SAME(pod["metadata"]["ownerReferences"][0]["controller"], true);
    }
    is_up(s, "db", 2);
    SAME(uid_of(s.get(kPods, "db-0")), first);
    SAME(uid_of(s.get(kPods, "db-1")), second);
}

CONTRACT("statefulsets", "made anew with larger claim templates, it adopts pods and leaves their claims as they are") {
    s.make(stateful_set(s, "db", 1));
    is_up(s, "db", 1);
    const std::string pod = uid_of(s.get(kPods, "db-0"));
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    Json larger = stateful_set(s, "db", 1);
    larger["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "80Mi";
    s.make(larger);
    is_up(s, "db", 1);
    SAME(uid_of(s.get(kPods, "db-0")), pod);
    SAME(text_at(s.get(kClaims, "data-db-0"), "/spec/resources/requests/storage"), "64Mi");
}

CONTRACT("statefulsets", "a set made anew from the same template has the same revision") {
    s.make(stateful_set(s, "db", 1, false));
    is_up(s, "db", 1);
    const std::string revision = text_at(s.get(kStatefulSets, "db"), "/status/updateRevision");
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    s.make(stateful_set(s, "db", 1, false));
    is_up(s, "db", 1);
    const Json set = s.get(kStatefulSets, "db");
    SAME(text_at(set, "/status/updateRevision"), revision);
    SAME(text_at(set, "/status/currentRevision"), revision);
}

CONTRACT("statefulsets", "a pod of the selection that another controller owns is not adopted") {
    const Json owner = s.make(config_map(s, "owner"));
    Json stranger = owned_by(pod(s, "db-0"), owner);
    stranger["metadata"]["labels"] = {{"app", "db"}};
    stranger["metadata"]["ownerReferences"][0]["controller"] = true;
    nowhere(stranger["spec"]);
    const Json made = s.make(stranger);
    s.make(stateful_set(s, "db", 1, false));
    s.until(kStatefulSets, "db", "seen",
            [](const Json& one) { return kube::number_at(one, "/status/observedGeneration", 0) == 1; });
    s.never(kPods, "db-0", "adopted", [&](const Json& one) { return owner_of(one) != uid_of(owner); });
    SAME(uid_of(s.get(kPods, "db-0")), uid_of(made));
}

CONTRACT("statefulsets", "a changed pod template rolls pods, highest ordinal first") {
    s.make(stateful_set(s, "db", 2, false));
    is_up(s, "db", 2);
    const std::string old = text_at(s.get(kStatefulSets, "db"), "/status/updateRevision");
    const auto watch = pods_from_now(s);
    s.merge(kStatefulSets, "db", {{"spec", {{"template", {{"metadata", {{"annotations", {{"a", "b"}}}}}}}}}});
    const auto told = history(s, *watch, [](std::size_t count) { return count == 4; });
    SAME(told, Json::array({"-db-1", "+db-1", "-db-0", "+db-0"}));
    const Json set = s.until(kStatefulSets, "db", "rolled", [&](const Json& one) {
        return text_at(one, "/status/currentRevision") == text_at(one, "/status/updateRevision") &&
               text_at(one, "/status/updateRevision") != old && kube::number_at(one, "/status/readyReplicas", 0) == 2;
    });
    SAME(kube::annotation_of(s.get(kPods, "db-0"), "a"), "b");
}

CONTRACT("statefulsets", "OnDelete: a changed template leaves pods alone until they are deleted") {
    Json manifest = stateful_set(s, "db", 1, false);
    manifest["spec"]["updateStrategy"] = {{"type", "OnDelete"}};
    s.make(manifest);
    is_up(s, "db", 1);
    const std::string uid = uid_of(s.get(kPods, "db-0"));
    s.merge(kStatefulSets, "db", {{"spec", {{"template", {{"metadata", {{"annotations", {{"a", "b"}}}}}}}}}});
    s.until(kStatefulSets, "db", "seen",
            [](const Json& one) { return kube::number_at(one, "/status/observedGeneration", 0) == 2; });
    s.never(
        kPods, "db-0", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1500));
    s.remove(kPods, "db-0");
    const Json again = s.until(kPods, "db-0", "new", [&](const Json& one) { return uid_of(one) != uid; });
    SAME(kube::annotation_of(again, "a"), "b");
}

CONTRACT("statefulsets", "claim templates, selector and service name cannot be changed") {
    s.make(stateful_set(s, "db", 0));
    const kube::ObjectRef ref = s.ref(kStatefulSets, "db");
    Json templates = s.get(kStatefulSets, "db")["spec"]["volumeClaimTemplates"];
    templates[0]["spec"]["resources"]["requests"]["storage"] = "80Mi";
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"volumeClaimTemplates", templates}}}}, {}), 422,
          "Invalid");
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"serviceName", "other"}}}}, {}), 422, "Invalid");
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"podManagementPolicy", "Parallel"}}}}, {}), 422,
          "Invalid");
}

CONTRACT("statefulsets", "a set that is deleted while a finalizer holds it makes no pods any more") {
    Json manifest = stateful_set(s, "db", 1, false);
    manifest["metadata"]["finalizers"] = Json::array({"hf.test/hold"});
    s.make(manifest);
    is_up(s, "db", 1);
    const std::string uid = uid_of(s.get(kPods, "db-0"));
    s.remove(kStatefulSets, "db");
    s.until(kStatefulSets, "db", "seen to be deleted", [](const Json& one) {
        return kube::number_at(one, "/status/observedGeneration", 0) ==
                   kube::number_at(one, "/metadata/generation", -1) &&
               kube::deleting(one);
    });
    s.remove(kPods, "db-0");
    s.until_gone(kPods, "db-0");
    s.merge(kStatefulSets, "db", {{"metadata", {{"finalizers", nullptr}}}});
    s.until_gone(kStatefulSets, "db");
    CHECK(!s.there(kPods, "db-0"));
}

CONTRACT("statefulsets", "the scale subresource compares versions and changes replicas alone") {
    const Json set = s.make(stateful_set(s, "db", 0));
    const kube::ObjectRef ref = s.ref(kStatefulSets, "db");
    MUST(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"replicas", 0}}}}, {uid_of(set), ""}, DryRun::kNone,
                         "scale"));
    const Json now = s.get(kStatefulSets, "db");
    s.merge(kStatefulSets, "db", {{"metadata", {{"labels", {{"a", "b"}}}}}});
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"replicas", 1}}}}, {uid_of(set), version_of(now)},
                          DryRun::kNone, "scale"),
          409, "Conflict");
    SAME(s.get(kStatefulSets, "db")["spec"]["replicas"], 0);
}

CONTRACT("statefulsets", "a pod's deletion waits for its grace, and is marked meanwhile") {
    Json made = pod(s, "user");
    made["spec"]["terminationGracePeriodSeconds"] = 2;
    s.make(made);
    s.until(kPods, "user", "Ready", ready);
    const auto watch = pods_from_now(s);
    s.remove(kPods, "user");
    auto event = MUST(watch->next(milliseconds(180000)));
    while (event && !kube::deleting(event->object)) event = MUST(watch->next(milliseconds(180000)));
    CHECK(event && event->type == kube::WatchEvent::Type::kModified);
    if (event) SAME(event->object["metadata"]["deletionGracePeriodSeconds"], 2);
    s.until_gone(kPods, "user");
}

CONTRACT("statefulsets", "a pod that was never placed goes at once") {
    Json made = pod(s, "user");
    nowhere(made["spec"]);
    s.make(made);
    s.remove(kPods, "user");
    CHECK(!s.there(kPods, "user"));
}

}  // namespace holdfast::contract
