#include "tests/contract/objects.h"

// What becomes of dependents when their owner is deleted: the garbage collector.
namespace holdfast::contract {
namespace {

Json family(Stage& s, bool block = true) {
    const Json owner = s.make(config_map(s, "owner"));
    s.make(owned_by(config_map(s, "child"), owner, block));
    return owner;
}

Json with_hold(Json object) {
    object["metadata"]["finalizers"] = Json::array({"hf.test/hold"});
    return object;
}

void let_go(Stage& s, const std::string& name) {
    s.merge(kConfigMaps, name, {{"metadata", {{"finalizers", nullptr}}}});
}

}  // namespace

CONTRACT("propagation", "background: the owner goes at once, its dependents follow") {
    family(s);
    s.remove(kConfigMaps, "owner", Propagation::kBackground);
    CHECK(!s.there(kConfigMaps, "owner"));
    s.until_gone(kConfigMaps, "child");
}

CONTRACT("propagation", "orphan: dependents stay and lose their owner") {
    family(s);
    s.remove(kConfigMaps, "owner", Propagation::kOrphan);
    s.until_gone(kConfigMaps, "owner");
    const Json child = s.get(kConfigMaps, "child");
    CHECK(!has(child, "/metadata/ownerReferences"));
    CHECK(!kube::deleting(child));
}

CONTRACT("propagation", "orphan: the owner waits behind a finalizer of that name") {
    Json owner = s.make(with_hold(config_map(s, "owner")));
    s.make(owned_by(config_map(s, "child"), owner));
    s.remove(kConfigMaps, "owner", Propagation::kOrphan);
    s.until(kConfigMaps, "child", "free", [](const Json& one) { return !has(one, "/metadata/ownerReferences"); });
    const Json left = s.until(kConfigMaps, "owner", "orphaned", [](const Json& one) { return !holds(one, "orphan"); });
    CHECK(kube::deleting(left));
    let_go(s, "owner");
}

CONTRACT("propagation", "foreground: the owner stays until a dependent that blocks it is gone") {
    const Json owner = s.make(config_map(s, "owner"));
    s.make(with_hold(owned_by(config_map(s, "child"), owner, true)));
    s.remove(kConfigMaps, "owner", Propagation::kForeground);
    s.until(kConfigMaps, "child", "being deleted", [](const Json& one) { return kube::deleting(one); });
    const Json waiting = s.get(kConfigMaps, "owner");
    CHECK(holds(waiting, "foregroundDeletion"));
    CHECK(kube::deleting(waiting));
    let_go(s, "child");
    s.until_gone(kConfigMaps, "child");
    s.until_gone(kConfigMaps, "owner");
}

CONTRACT("propagation", "foreground: a dependent that does not block is not waited for") {
    const Json owner = s.make(config_map(s, "owner"));
    s.make(with_hold(owned_by(config_map(s, "child"), owner, false)));
    s.remove(kConfigMaps, "owner", Propagation::kForeground);
    s.until_gone(kConfigMaps, "owner");
    CHECK(s.there(kConfigMaps, "child"));
    s.until(kConfigMaps, "child", "being deleted", [](const Json& one) { return kube::deleting(one); });
    let_go(s, "child");
}

CONTRACT("propagation", "background: dependents stay while the owner is held by a finalizer") {
    const Json owner = s.make(with_hold(config_map(s, "owner")));
    s.make(owned_by(config_map(s, "child"), owner));
    s.remove(kConfigMaps, "owner", Propagation::kBackground);
    s.never(kConfigMaps, "child", "deleted", [](const Json& one) { return kube::deleting(one); });
    let_go(s, "owner");
    s.until_gone(kConfigMaps, "child");
}

CONTRACT("propagation", "a dependent of two owners stays with the one that is left") {
    const Json one = s.make(config_map(s, "one")), two = s.make(config_map(s, "two"));
    s.make(owned_by(owned_by(config_map(s, "child"), one), two));
    s.remove(kConfigMaps, "one", Propagation::kBackground);
    const Json child = s.until(kConfigMaps, "child", "with one owner",
                               [](const Json& is) { return is["metadata"]["ownerReferences"].size() == 1; });
    SAME(child["metadata"]["ownerReferences"][0]["name"], "two");
    CHECK(!kube::deleting(child));
}

CONTRACT("propagation", "a dependent of an owner that was never there is collected") {
    Json owner = config_map(s, "never");
    owner["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555";
    MUST(s.cluster.create(owned_by(config_map(s, "child"), owner)));
    s.until_gone(kConfigMaps, "child");
}

CONTRACT("propagation", "an owner of the right name and the wrong uid is no owner") {
    Json owner = s.make(config_map(s, "owner"));
    owner["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555";
    MUST(s.cluster.create(owned_by(config_map(s, "child"), owner)));
    s.until_gone(kConfigMaps, "child");
    CHECK(s.there(kConfigMaps, "owner"));
}

CONTRACT("propagation", "background: grandchildren go too") {
    const Json owner = s.make(config_map(s, "owner"));
    const Json child = s.make(owned_by(config_map(s, "child"), owner));
    s.make(owned_by(config_map(s, "grandchild"), child));
    s.remove(kConfigMaps, "owner", Propagation::kBackground);
    s.until_gone(kConfigMaps, "grandchild");
    CHECK(!s.there(kConfigMaps, "child"));
}

CONTRACT("propagation", "orphan: only the direct dependents are freed, theirs stay theirs") {
    const Json owner = s.make(config_map(s, "owner"));
    const Json child = s.make(owned_by(config_map(s, "child"), owner));
    s.make(owned_by(config_map(s, "grandchild"), child));
    s.remove(kConfigMaps, "owner", Propagation::kOrphan);
    s.until_gone(kConfigMaps, "owner");
    SAME(s.get(kConfigMaps, "grandchild")["metadata"]["ownerReferences"][0]["uid"], uid_of(child));
}

CONTRACT("propagation", "foreground or orphan without dependents is a plain deletion") {
    s.make(config_map(s, "one"));
    s.make(config_map(s, "two"));
    s.remove(kConfigMaps, "one", Propagation::kForeground);
    s.remove(kConfigMaps, "two", Propagation::kOrphan);
    s.until_gone(kConfigMaps, "one");
    s.until_gone(kConfigMaps, "two");
}

CONTRACT("propagation", "a dependent's own deletion leaves the owner alone") {
    family(s);
    s.remove(kConfigMaps, "child", Propagation::kForeground);
    s.until_gone(kConfigMaps, "child");
    s.never(
        kConfigMaps, "owner", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1000));
}

}  // namespace holdfast::contract
