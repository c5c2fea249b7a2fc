#include "tests/contract/objects.h"

// Watches: what is told, in which order, from where on.
namespace holdfast::contract {
namespace {

using Type = kube::WatchEvent::Type;

std::string word(Type type) {
    switch (type) {
        case Type::kAdded:
            return "added";
        case Type::kModified:
            return "modified";
        case Type::kDeleted:
            return "deleted";
        case Type::kBookmark:
            return "bookmark";
    }
    return "";
}

// The next event that is no bookmark.
kube::WatchEvent next(Stage& s, kube::Watch& watch) {
    while (true) {
        auto event = s.must(watch.next(milliseconds(180000)), "next event", 0);
        if (!event) s.stop(0, "no event came in three minutes");
        if (event->type != Type::kBookmark) return std::move(*event);
    }
}

// "added one, modified one": so many events, in order.
std::string told(Stage& s, kube::Watch& watch, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) {
        const kube::WatchEvent event = next(s, watch);
        all += (i == 0 ? "" : ", ") + word(event.type) + " " + name_of(event.object);
    }
    return all;
}

std::unique_ptr<kube::Watch> from_now(Stage& s, const kube::Resource& resource, const kube::ListOptions& options = {}) {
    const kube::List list = s.must(s.cluster.list(resource, s.space, options), "list", 0);
    return s.must(s.cluster.watch(resource, s.space, options, list.resource_version), "watch", 0);
}

bool quiet(Stage& s, kube::Watch& watch) {
    const auto event = s.must(watch.next(milliseconds(1500)), "next event", 0);
    return !event || event->type == Type::kBookmark;
}

// The error comes as the answer or as the first event. Snapshots, since a young cluster's ConfigMaps still have their
// whole history; those of a custom resource begin when its definition came.
ErrorKind refusal_of_watch(Stage& s, const std::string& version) {
    auto watch = s.cluster.watch(kSnapshots, s.space, {}, version);
    if (!watch.ok()) return watch.error().kind;
    const auto event = (*watch)->next(milliseconds(60000));
    return event.ok() ? ErrorKind::kInternal : event.error().kind;
}

}  // namespace

CONTRACT("watches", "a bookmark comes about every minute, and a watch can begin there") {
    s.make(config_map(s, "one"));
    const auto watch = from_now(s, kConfigMaps);
    std::string version;
    for (int turn = 0; turn < 3 && version.empty(); ++turn) {
        const auto event = MUST(watch->next(milliseconds(180000)));
        if (!event) break;
        if (event->type != Type::kBookmark) continue;
        version = version_of(event->object);
        CHECK(!has(event->object, "/data"));
        SAME(text_at(event->object, "/kind"), "ConfigMap");
    }
    CHECK(!version.empty());
    const auto later = MUST(s.cluster.watch(kConfigMaps, s.space, {"", "metadata.name=two"}, version));
    s.make(config_map(s, "two"));
    SAME(told(s, *later, 1), "added two");
}

CONTRACT("watches", "a watch from a list's version tells every change once and in order") {
    s.make(config_map(s, "before"));
    const auto watch = from_now(s, kConfigMaps, {"app=x", ""});
    Json one = config_map(s, "one"), two = config_map(s, "two");
    one["metadata"]["labels"] = two["metadata"]["labels"] = {{"app", "x"}};
    s.make(one);
    s.make(two);
    s.merge(kConfigMaps, "one", {{"data", {{"key", "other"}}}});
    s.remove(kConfigMaps, "two");
    s.remove(kConfigMaps, "one");
    SAME(told(s, *watch, 5), "added one, added two, modified one, deleted two, deleted one");
}

CONTRACT("watches", "versions of the events rise") {
    const auto watch = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    s.make(config_map(s, "one"));
    for (int i = 0; i < 4; ++i) s.merge(kConfigMaps, "one", {{"data", {{"key", std::to_string(i)}}}});
    long long last = 0;
    for (int i = 0; i < 5; ++i) {
        const long long version = std::stoll(version_of(next(s, *watch).object));
        CHECK(version > last);
        last = version;
    }
}

CONTRACT("watches",
         "an event has a higher version than every list before the change, and no higher one than a list after it") {
    s.make(config_map(s, "one"));
    const auto watch = from_now(s, kConfigMaps);
    const auto listed = [&] {
        const kube::List list = MUST(s.cluster.list(kConfigMaps, s.space, {"", "metadata.name=one"}));
        return std::stoll(list.resource_version);
    };
    s.merge(kConfigMaps, "one", {{"data", {{"key", "2"}}}});
    const long long changed = listed();
    s.make(config_map(s, "two"));
    const long long made = listed();
    s.remove(kConfigMaps, "one");
    const long long removed = listed();
    const auto version = [&] { return std::stoll(version_of(next(s, *watch).object)); };
    CHECK(version() <= changed);
    const long long of_two = version();
    CHECK(of_two > changed);
    CHECK(of_two <= made);
    const long long of_removal = version();
    CHECK(of_removal > made);
    CHECK(of_removal <= removed);
}

CONTRACT("watches", "a deletion is told with the last state and a version of its own") {
    const Json made = s.make(config_map(s, "one"));
    const auto watch = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    s.remove(kConfigMaps, "one");
    const kube::WatchEvent event = next(s, *watch);
    CHECK(event.type == Type::kDeleted);
    SAME(event.object["data"]["key"], "value");
    SAME(uid_of(event.object), uid_of(made));
    CHECK(std::stoll(version_of(event.object)) > std::stoll(version_of(made)));
}

CONTRACT("watches", "from an older version everything since then is told again") {
    const Json first = s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "2"}}}});
    s.remove(kConfigMaps, "one");
    s.make(config_map(s, "one"));
    const auto watch = MUST(s.cluster.watch(kConfigMaps, s.space, {"", "metadata.name=one"}, version_of(first)));
    SAME(told(s, *watch, 3), "modified one, deleted one, added one");
}

CONTRACT("watches", "without a version a watch begins with what is there") {
    s.make(config_map(s, "one"));
    s.make(config_map(s, "two"));
    const auto watch = MUST(s.cluster.watch(kConfigMaps, s.space, {"", "metadata.name=two"}, ""));
    SAME(told(s, *watch, 1), "added two");
    s.remove(kConfigMaps, "two");
    SAME(told(s, *watch, 1), "deleted two");
}

CONTRACT("watches", "a version that is too old is answered with 410") {
    CHECK(refusal_of_watch(s, "1") == ErrorKind::kGone);
}

CONTRACT("watches", "a field selector chooses one object") {
    const auto watch = from_now(s, kConfigMaps, {"", "metadata.name=two"});
    s.make(config_map(s, "one"));
    s.make(config_map(s, "two"));
    SAME(told(s, *watch, 1), "added two");
    CHECK(quiet(s, *watch));
}

CONTRACT("watches", "what leaves a label selection is told as deleted, what enters it as added") {
    s.make(config_map(s, "one"));
    const auto watch = from_now(s, kConfigMaps, {"app=x", ""});
    s.merge(kConfigMaps, "one", {{"metadata", {{"labels", {{"app", "x"}}}}}});
    s.merge(kConfigMaps, "one", {{"data", {{"key", "2"}}}});
    s.merge(kConfigMaps, "one", {{"metadata", {{"labels", {{"app", "y"}}}}}});
    s.merge(kConfigMaps, "one", {{"data", {{"key", "3"}}}});
    s.merge(kConfigMaps, "one", {{"metadata", {{"labels", {{"app", "x"}}}}}});
    SAME(told(s, *watch, 4), "added one, modified one, deleted one, added one");
}

CONTRACT("watches", "a watch of a namespace tells nothing of another") {
    const auto watch = from_now(s, kConfigMaps, {"contract=" + s.space, ""});
    Json other = config_map(s, s.own("other")), mine = config_map(s, "mine");
    other["metadata"]["namespace"] = "default";
    other["metadata"]["labels"] = mine["metadata"]["labels"] = {{"contract", s.space}};
    MUST(s.cluster.create(other));
    MUST(s.cluster.remove({kConfigMaps, "default", name_of(other)}, {}));
    s.make(mine);
    SAME(told(s, *watch, 1), "added mine");
}

CONTRACT("watches", "a watch of all namespaces tells of each") {
    const kube::ListOptions options{"contract=" + s.space, ""};
    const kube::List list = MUST(s.cluster.list(kConfigMaps, "", options));
    const auto watch = MUST(s.cluster.watch(kConfigMaps, "", options, list.resource_version));
    Json other = config_map(s, s.own("other")), mine = config_map(s, "mine");
    other["metadata"]["namespace"] = "default";
    other["metadata"]["labels"] = mine["metadata"]["labels"] = {{"contract", s.space}};
    MUST(s.cluster.create(other));
    s.make(mine);
    MUST(s.cluster.remove({kConfigMaps, "default", name_of(other)}, {}));
    SAME(told(s, *watch, 3), "added " + name_of(other) + ", added mine, deleted " + name_of(other));
}

CONTRACT("watches", "two watches tell the same") {
    const auto first = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    const auto second = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    s.make(config_map(s, "one"));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "2"}}}});
    s.remove(kConfigMaps, "one");
    SAME(told(s, *first, 3), "added one, modified one, deleted one");
    SAME(told(s, *second, 3), "added one, modified one, deleted one");
}

CONTRACT("watches", "a write that changes nothing and a dry run are not told") {
    s.make(config_map(s, "one"));
    const auto watch = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    s.merge(kConfigMaps, "one", {{"data", {{"key", "value"}}}});
    MUST(s.cluster.patch(s.ref(kConfigMaps, "one"), PatchType::kMerge, {{"data", {{"key", "dry"}}}}, {},
                         DryRun::kServer));
    MUST(s.cluster.remove(s.ref(kConfigMaps, "one"), {}, Propagation::kBackground, DryRun::kServer));
    s.merge(kConfigMaps, "one", {{"data", {{"key", "end"}}}});
    const kube::WatchEvent event = next(s, *watch);
    SAME(event.object["data"]["key"], "end");
}

CONTRACT("watches", "an object with a finalizer is told as changed when its deletion begins") {
    Json made = config_map(s, "one");
    made["metadata"]["finalizers"] = Json::array({"hf.test/hold"});
    s.make(made);
    const auto watch = from_now(s, kConfigMaps, {"", "metadata.name=one"});
    s.remove(kConfigMaps, "one");
    const kube::WatchEvent begun = next(s, *watch);
    CHECK(begun.type == Type::kModified);
    CHECK(kube::deleting(begun.object));
    s.merge(kConfigMaps, "one", {{"metadata", {{"finalizers", nullptr}}}});
    const kube::WatchEvent gone = next(s, *watch);
    CHECK(gone.type == Type::kDeleted);
}

CONTRACT("watches", "controllers' writes are told: a claim is seen Pending before it is Bound") {
    const auto watch = from_now(s, kClaims);
    s.make(claim(s, "data", "fast"));
    std::string phases;
    for (int i = 0; i < 20; ++i) {
        const std::string phase = text_at(next(s, *watch).object, "/status/phase");
        if (phases != phase && !phases.ends_with(" " + phase)) phases += (phases.empty() ? "" : " ") + phase;
        if (phase == "Bound") break;
    }
    SAME(phases, "Pending Bound");
}

}  // namespace holdfast::contract
