#include "tests/contract/objects.h"

// Finalizers: nothing goes while one is left.
namespace holdfast::contract {
namespace {

Json held(const Stage& s, const std::string& name, const Json& finalizers = Json::array({"hf.test/hold"})) {
    Json made = config_map(s, name);
    made["metadata"]["finalizers"] = finalizers;
    return made;
}

void drop_all(Stage& s, const std::string& name) {
    s.merge(kConfigMaps, name, {{"metadata", {{"finalizers", nullptr}}}});
}

}  // namespace

CONTRACT("finalizers", "a deletion only begins while a finalizer is left") {
    const Json made = s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    const Json begun = s.get(kConfigMaps, "one");
    CHECK(kube::deleting(begun));
    SAME(uid_of(begun), uid_of(made));
    CHECK(version_of(begun) != version_of(made));
    drop_all(s, "one");
    CHECK(!s.there(kConfigMaps, "one"));
}

CONTRACT("finalizers", "the last of several lets the object go") {
    s.make(held(s, "one", Json::array({"hf.test/a", "hf.test/b"})));
    s.remove(kConfigMaps, "one");
    s.merge(kConfigMaps, "one", {{"metadata", {{"finalizers", Json::array({"hf.test/b"})}}}});
    CHECK(s.there(kConfigMaps, "one"));
    s.merge(kConfigMaps, "one", {{"metadata", {{"finalizers", Json::array()}}}});
    CHECK(!s.there(kConfigMaps, "one"));
}

CONTRACT("finalizers", "a second deletion succeeds and keeps the time of the first") {
    s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    const Json begun = s.get(kConfigMaps, "one");
    s.remove(kConfigMaps, "one");
    const Json again = s.get(kConfigMaps, "one");
    SAME(again["metadata"]["deletionTimestamp"], begun["metadata"]["deletionTimestamp"]);
    SAME(version_of(again), version_of(begun));
    drop_all(s, "one");
}

CONTRACT("finalizers", "none can be added once the deletion has begun") {
    s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    FAILS(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge,
                          {{"metadata", {{"finalizers", Json::array({"hf.test/hold", "hf.test/more"})}}}}, {}),
          422, "Invalid");
    drop_all(s, "one");
}

CONTRACT("finalizers", "an object that goes can still be changed otherwise") {
    s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    const Json changed = s.merge(kConfigMaps, "one", {{"metadata", {{"annotations", {{"a", "b"}}}}}});
    SAME(kube::annotation_of(changed, "a"), "b");
    CHECK(kube::deleting(changed));
    drop_all(s, "one");
}

CONTRACT("finalizers", "a deletion cannot be taken back") {
    s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    (void)s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge,
                          {{"metadata", {{"deletionTimestamp", nullptr}}}}, {});
    CHECK(kube::deleting(s.get(kConfigMaps, "one")));
    drop_all(s, "one");
}

CONTRACT("finalizers", "the name stays taken until the object is gone") {
    s.make(held(s, "one"));
    s.remove(kConfigMaps, "one");
    FAILS(s.cluster.create(config_map(s, "one")), 409, "AlreadyExists");
    drop_all(s, "one");
    s.make(config_map(s, "one"));
}

CONTRACT("finalizers", "a name without a domain is refused") {
    FAILS(s.cluster.create(held(s, "one", Json::array({"hold"}))), 422, "Invalid");
}

CONTRACT("finalizers", "one that is put on a living object holds it too") {
    s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"metadata", {{"finalizers", Json::array({"hf.test/hold"})}}}});
    s.remove(kConfigMaps, "one");
    CHECK(kube::deleting(s.get(kConfigMaps, "one")));
    drop_all(s, "one");
    CHECK(!s.there(kConfigMaps, "one"));
}

CONTRACT("finalizers", "dropping the last one of a living object does not delete it") {
    s.make(held(s, "one"));
    drop_all(s, "one");
    CHECK(!kube::deleting(s.get(kConfigMaps, "one")));
}

CONTRACT("finalizers", "a namespace that goes takes what is in it, waits for finalizers, and takes nothing new") {
    const std::string name = s.own("gone");
    MUST(s.cluster.create({{"apiVersion", "v1"},
                           {"kind", "Namespace"},
                           {"metadata", {{"name", name}, {"labels", {{"contract", "run"}}}}}}));
    Json inside = held(s, "one");
    inside["metadata"]["namespace"] = name;
    MUST(s.cluster.create(inside));
    MUST(s.cluster.remove({kube::kNamespaces, "", name}, {}));
    s.until(kube::kNamespaces, name, "Terminating", phase_is("Terminating"));
    inside["metadata"]["name"] = "two";
    FAILS(s.cluster.create(inside), 403, "Forbidden");
    const auto going = [](const Json& one) { return kube::deleting(one); };
    const kube::ObjectRef ref{kConfigMaps, name, "one"};
    const auto let_go = [&] {
        return s.cluster.patch(ref, PatchType::kMerge, {{"metadata", {{"finalizers", nullptr}}}}, {});
    };
    try {
        for (bool begun = false; !begun;) {
            const auto list = MUST(s.cluster.list(kConfigMaps, name, {"", "metadata.name=one"}));
            begun = !list.items.empty() && going(list.items.front());
            if (begun) break;
            const auto watch =
                MUST(s.cluster.watch(kConfigMaps, name, {"", "metadata.name=one"}, list.resource_version));
            if (!MUST(watch->next(milliseconds(180000)))) s.stop(__LINE__, "the ConfigMap is not deleted");
        }
    } catch (const CaseEnded&) {
        static_cast<void>(let_go());  // else that namespace would stay, and fail the run once more
        throw;
    }
    MUST(let_go());
    s.until_gone(kube::kNamespaces, name);
}

}  // namespace holdfast::contract
