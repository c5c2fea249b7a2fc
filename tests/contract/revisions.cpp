#include "tests/contract/objects.h"

#include <algorithm>

// ControllerRevisions: what is left of a StatefulSet without pods when only the set itself is deleted.
namespace holdfast::contract {
namespace {

using kube::kControllerRevisions;

Json without_pods(const Stage& s, const std::string& name) { return stateful_set(s, name, 0, false); }

Json seen(Stage& s, const std::string& set, int generation = 1) {
    return s.until(kStatefulSets, set, "seen", [&](const Json& one) {
        return kube::number_at(one, "/status/observedGeneration", 0) == generation;
    });
}

// As the API server has them, the latest last.
std::vector<Json> revisions(Stage& s) {
    std::vector<Json> all = s.must(s.cluster.list(kControllerRevisions, s.space), "list", 0).items;
    std::sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
        return kube::number_at(a, "/revision", 0) < kube::number_at(b, "/revision", 0);
    });
    return all;
}

Json annotated(const char* value) {
    return {{"spec", {{"template", {{"metadata", {{"annotations", {{"a", value}}}}}}}}}};
}

}  // namespace

CONTRACT("revisions", "a set has one of its pod template, even without a pod, and owns it") {
    Json manifest = without_pods(s, "db");
    manifest["metadata"]["annotations"] = {{"hf.test/said", "yes"}};
    const Json set = s.make(manifest);
    const std::string name = text_at(seen(s, "db"), "/status/updateRevision");
    SAME(revisions(s).size(), 1);
    const Json one = s.get(kControllerRevisions, name);
    SAME(owner_of(one), uid_of(set));
    SAME(one["metadata"]["ownerReferences"][0]["controller"], true);
    SAME(one["revision"], 1);
    SAME(kube::label_of(one, "app"), "db");
    SAME("db-" + kube::label_of(one, "controller.kubernetes.io/hash"), name);
    SAME(kube::annotation_of(one, "hf.test/said"), "yes");
    SAME(text_at(one, "/data/spec/template/$patch"), "replace");
    SAME(one["data"]["spec"]["template"]["metadata"]["labels"], set["spec"]["template"]["metadata"]["labels"]);
}

CONTRACT("revisions", "a changed pod template is the next one; changed back, the first comes after it") {
    s.make(without_pods(s, "db"));
    const std::string first = text_at(seen(s, "db"), "/status/updateRevision");
    s.merge(kStatefulSets, "db", annotated("b"));
    const std::string second = text_at(seen(s, "db", 2), "/status/updateRevision");
    CHECK(first != second);
    SAME(s.get(kControllerRevisions, second)["revision"], 2);
    s.merge(kStatefulSets, "db", {{"spec", {{"template", {{"metadata", {{"annotations", nullptr}}}}}}}});
    SAME(text_at(seen(s, "db", 3), "/status/updateRevision"), first);
    SAME(names_of(revisions(s)), Json::array({second, first}));
    SAME(s.get(kControllerRevisions, first)["revision"], 3);
}

CONTRACT("revisions", "deleted with orphan, a set without pods leaves them, and the set made anew takes them") {
    s.make(without_pods(s, "db"));
    const std::string name = text_at(seen(s, "db"), "/status/updateRevision");
    const Json before = s.get(kControllerRevisions, name);
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    const Json left = s.get(kControllerRevisions, name);
    CHECK(!has(left, "/metadata/ownerReferences"));
    CHECK(!kube::deleting(left));
    s.never(
        kControllerRevisions, name, "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
    const Json set = s.make(without_pods(s, "db"));
    seen(s, "db");
    const Json adopted = s.get(kControllerRevisions, name);
    SAME(owner_of(adopted), uid_of(set));
    SAME(uid_of(adopted), uid_of(before));
    SAME(adopted["revision"], 1);
    SAME(revisions(s).size(), 1);
}

CONTRACT("revisions", "nobody's are taken by their labels, whatever the name of the set that had them") {
    s.make(without_pods(s, "db"));
    const std::string name = text_at(seen(s, "db"), "/status/updateRevision");
    s.remove(kStatefulSets, "db", Propagation::kOrphan);
    s.until_gone(kStatefulSets, "db");
    Json other = without_pods(s, "other");
    other["spec"]["template"]["metadata"]["labels"] = other["spec"]["selector"]["matchLabels"] = {{"app", "db"}};
    const Json set = s.make(other);
    SAME(text_at(seen(s, "other"), "/status/updateRevision"), name);
    SAME(owner_of(s.get(kControllerRevisions, name)), uid_of(set));
    Json strange = without_pods(s, "strange");
    s.make(strange);
    CHECK(text_at(seen(s, "strange"), "/status/updateRevision").starts_with("strange-"));
}

CONTRACT("revisions", "deleted in the background, a set takes them along") {
    s.make(without_pods(s, "db"));
    const std::string name = text_at(seen(s, "db"), "/status/updateRevision");
    s.remove(kStatefulSets, "db", Propagation::kBackground);
    s.until_gone(kControllerRevisions, name);
}

}  // namespace holdfast::contract
