#include "tests/contract/objects.h"

#include <algorithm>
#include <set>

// Lists: pages, order, selections.
namespace holdfast::contract {
namespace {

void make_labelled(Stage& s, const std::string& name, const Json& labels) {
    Json made = config_map(s, name);
    made["metadata"]["labels"] = labels;
    s.make(made);
}

// Names of the chosen ConfigMaps, but for the one that every namespace gets.
Json chosen(Stage& s, const kube::ListOptions& options) {
    const kube::List list = s.must(s.cluster.list(kConfigMaps, s.space, options), "list", 0);
    Json names = Json::array();
    for (const Json& one : list.items) {
        if (name_of(one) != "kube-root-ca.crt") names.push_back(name_of(one));
    }
    return names;
}

constexpr int kMany = 620;  // more than a page of 500

void make_many(Stage& s) {
    std::vector<Json> manifests;
    for (int i = 0; i < kMany; ++i) manifests.push_back(config_map(s, "m" + std::to_string(1000 + i)));
    for (const auto& made : s.cluster.create_all(manifests)) s.must(made, "create", 0);
}

}  // namespace

CONTRACT("lists", "a list of several pages has every object once, by name") {
    make_many(s);
    const Json names = chosen(s, {});
    SAME(names.size(), kMany);
    SAME(std::set<std::string>(names.begin(), names.end()).size(), kMany);
    CHECK(std::is_sorted(names.begin(), names.end()));
}

CONTRACT("lists", "the pages of a list are of one moment: what is made or deleted meanwhile does not matter") {
    make_many(s);
    std::set<std::string> seen;
    const auto version = MUST(s.cluster.for_each(
        kConfigMaps, s.space, {},
        [&](Json&& one) {
            if (seen.empty()) {
                s.make(config_map(s, "z-made-meanwhile"));
                s.remove(kConfigMaps, "m" + std::to_string(1000 + kMany - 1));
            }
            seen.insert(name_of(one));
            return true;
        },
        [] {}));
    CHECK(!seen.contains("z-made-meanwhile"));
    CHECK(seen.contains("m" + std::to_string(1000 + kMany - 1)));
    const auto watch = MUST(s.cluster.watch(kConfigMaps, s.space, {"", "metadata.name=z-made-meanwhile"}, version));
    CHECK(MUST(watch->next(milliseconds(60000))).has_value());
}

CONTRACT("lists", "items have apiVersion and kind, the list a version not older than they are") {
    const Json made = s.make(config_map(s, "one"));
    const kube::List list = MUST(s.cluster.list(kConfigMaps, s.space, {"", "metadata.name=one"}));
    SAME(list.items.size(), 1);
    SAME(list.items.at(0)["kind"], "ConfigMap");
    SAME(list.items.at(0)["apiVersion"], "v1");
    SAME(version_of(list.items.at(0)), version_of(made));
    CHECK(std::stoll(list.resource_version) >= std::stoll(version_of(made)));
}

CONTRACT("lists", "reading can stop early") {
    for (const char* name : {"one", "two", "three"}) s.make(config_map(s, name));
    int seen = 0;
    MUST(s.cluster.for_each(
        kConfigMaps, s.space, {}, [&](Json&&) { return ++seen < 2; }, [] {}));
    SAME(seen, 2);
}

CONTRACT("lists", "an empty list and the list of a namespace that is not there are empty and have a version") {
    const kube::List empty = MUST(s.cluster.list(kClaims, s.space));
    SAME(empty.items.size(), 0);
    CHECK(!empty.resource_version.empty());
    const kube::List none = MUST(s.cluster.list(kClaims, s.space + "-none"));
    SAME(none.items.size(), 0);
}

CONTRACT("lists", "label selectors: equality") {
    make_labelled(s, "a", {{"app", "x"}, {"tier", "db"}});
    make_labelled(s, "b", {{"app", "y"}});
    make_labelled(s, "c", Json::object());
    SAME(chosen(s, {"app=x", ""}), Json::array({"a"}));
    SAME(chosen(s, {"app==y", ""}), Json::array({"b"}));
    SAME(chosen(s, {"app!=x", ""}), Json::array({"b", "c"}));
    SAME(chosen(s, {"app=x,tier=db", ""}), Json::array({"a"}));
    SAME(chosen(s, {"app=x,tier=web", ""}), Json::array());
}

CONTRACT("lists", "label selectors: sets and existence") {
    make_labelled(s, "a", {{"app", "x"}});
    make_labelled(s, "b", {{"app", "y"}});
    make_labelled(s, "c", {{"other", "z"}});
    SAME(chosen(s, {"app in (x,y)", ""}), Json::array({"a", "b"}));
    SAME(chosen(s, {"app in (x, q)", ""}), Json::array({"a"}));
    SAME(chosen(s, {"app notin (x)", ""}), Json::array({"b", "c"}));
    SAME(chosen(s, {"app", ""}), Json::array({"a", "b"}));
    SAME(chosen(s, {"!app", ""}), Json::array({"c"}));
}

CONTRACT("lists", "field selectors: name and namespace") {
    s.make(config_map(s, "a"));
    s.make(config_map(s, "b"));
    SAME(chosen(s, {"", "metadata.name=a"}), Json::array({"a"}));
    SAME(chosen(s, {"", "metadata.name!=a"}), Json::array({"b"}));
    SAME(chosen(s, {"", "metadata.namespace=" + s.space}), Json::array({"a", "b"}));
    SAME(chosen(s, {"", "metadata.namespace=other"}), Json::array());
}

CONTRACT("lists", "a pod can be chosen by its phase, a claim by nothing but its name") {
    Json waiting = pod(s, "waiting");
    nowhere(waiting["spec"]);
    s.make(waiting);
    const kube::List pods = MUST(s.cluster.list(kPods, s.space, {"", "status.phase=Pending"}));
    SAME(pods.items.size(), 1);
    SAME(MUST(s.cluster.list(kPods, s.space, {"", "status.phase=Running"})).items.size(), 0);
    FAILS(s.cluster.list(kClaims, s.space, {"", "status.phase=Bound"}), 400, "BadRequest");
}

CONTRACT("lists", "a label selector that cannot be read is refused") {
    FAILS(s.cluster.list(kConfigMaps, s.space, {"app in x", ""}), 400, "BadRequest");
}

CONTRACT("lists", "a list of all namespaces is by namespace and name, and of cluster-scoped objects by name") {
    make_labelled(s, "b", {{"contract", s.space}});
    make_labelled(s, "a", {{"contract", s.space}});
    Json other = config_map(s, s.own("other"));
    other["metadata"]["namespace"] = "default";
    other["metadata"]["labels"] = {{"contract", s.space}};
    MUST(s.cluster.create(other));
    const kube::List list = MUST(s.cluster.list(kConfigMaps, "", {"contract=" + s.space, ""}));
    MUST(s.cluster.remove({kConfigMaps, "default", name_of(other)}, {}));
    SAME(names_of(list.items), Json::array({"a", "b", name_of(other)}));
    s.make(volume(s, "2"));
    s.make(volume(s, "1"));
    const kube::List volumes = MUST(s.cluster.list(kVolumes, "", {"contract=" + s.space, ""}));
    SAME(names_of(volumes.items), Json::array({s.own("1"), s.own("2")}));
}

CONTRACT("lists", "several objects read at once answer in the order asked, each for itself") {
    s.make(config_map(s, "a"));
    s.make(config_map(s, "b"));
    const auto answers =
        s.cluster.get_all({s.ref(kConfigMaps, "b"), s.ref(kConfigMaps, "none"), s.ref(kConfigMaps, "a")});
    SAME(name_of(MUST(answers.at(0))), "b");
    FAILS(answers.at(1), 404, "NotFound");
    SAME(name_of(MUST(answers.at(2))), "a");
}

}  // namespace holdfast::contract
