// The waits of one round that are for objects of one kind have one watch; each is told what comes after its own list.
#include "common/plan/shared_watches.h"

#include "tests/unit/plan/executor_scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                      // NOLINT: a test of one header
using namespace holdfast::plan;                // NOLINT
using namespace holdfast::testing::executing;  // NOLINT
using holdfast::testing::FakeCluster;
using Type = kube::WatchEvent::Type;

namespace {

constexpr std::chrono::milliseconds kLook{1000};

struct Shared : ExecutorScene {
    kube::ListOptions only(const std::string& name) const { return {"", "metadata.name=" + name}; }
    std::string now() {
        return *cluster.for_each(
            kube::kClaims, "n", {}, [](Json&&) { return true; }, [] {});
    }
    std::unique_ptr<kube::Watch> open(SharedWatches& watches, const std::string& name, const std::string& from) {
        auto watch = watches.watch(cluster, kube::kClaims, "n", only(name), from);
        REQUIRE(watch.ok());
        return std::move(*watch);
    }
    // What is told next: "added a", "nothing" or the error's kind.
    std::string told(kube::Watch& watch) {
        const auto event = watch.next(kLook);
        if (!event.ok()) return event.error().kind == ErrorKind::kUnavailable ? "ended" : "other error";
        if (!event->has_value()) return "nothing";
        const Type type = (*event)->type;
        return (type == Type::kAdded      ? "added "
                : type == Type::kModified ? "modified "
                                          : "deleted ") +
               kube::name_of((*event)->object);
    }
    long opened() const { return std::count(cluster.calls.begin(), cluster.calls.end(), "watch pvc n"); }
    Plan two() {
        Plan waits;
        waits.steps = {step("a", WaitFor{kube::kClaims, "n", {"a"}, Condition::kExists, ""}),
                       step("b", WaitFor{kube::kClaims, "n", {"b"}, Condition::kExists, ""})};
        return waits;
    }
};

}  // namespace

TEST_CASE("ten objects that are deleted one after the other are waited for by one watch") {
    Shared f;
    for (int i = 0; i < 10; ++i) {
        const std::string name = "c" + std::to_string(i);
        Json one = claim(name);
        one["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection"};
        f.cluster.put(one);
        f.plan.steps.push_back(step(name, Delete{claim_ref(name), {kube::uid_of(*f.cluster.at(claim_ref(name))), ""}}));
    }
    // Their protection is taken off while they are watched, and not before.
    f.cluster.react = [](FakeCluster& cluster) {
        if (cluster.calls.back().rfind("delete", 0) == 0) return;
        for (int i = 0; i < 10; ++i) {
            const Json* one = cluster.at(claim_ref("c" + std::to_string(i)));
            if (one != nullptr && kube::deleting(*one)) return cluster.drop(claim_ref("c" + std::to_string(i)));
        }
    };
    const Outcome outcome = f.run();
    INFO((outcome.status.ok() ? std::string() : outcome.status.error().message));
    REQUIRE(outcome.status.ok());
    CHECK(f.opened() == 1);
}

TEST_CASE("a wait that is alone of its kind watches the object that it names and nothing else") {
    Shared f;
    Plan one;
    one.steps = {step("a", WaitFor{kube::kClaims, "n", {"a"}, Condition::kExists, ""}),
                 step("p", WaitFor{kube::kPods, "n", {"p"}, Condition::kExists, ""})};
    SharedWatches watches(one, f.clock);
    const auto watch = f.open(watches, "a", f.now());
    f.cluster.put(claim("b"));
    f.cluster.put(claim("a"));
    CHECK(f.told(*watch) == "added a");
}

TEST_CASE("a deletion that is asked for without a watch is none of those that share one") {
    Shared f;
    f.cluster.put(claim("a"));
    Delete orphans{claim_ref("a"), {kube::uid_of(*f.cluster.at(claim_ref("a"))), ""}, kube::Propagation::kOrphan};
    f.plan.steps = {step("a", orphans), step("b", WaitFor{kube::kClaims, "n", {"b"}, Condition::kExists, ""})};
    SharedWatches watches(f.plan, f.clock);
    const auto watch = f.open(watches, "b", f.now());
    f.cluster.put(claim("c"));
    f.cluster.put(claim("b"));
    CHECK(f.told(*watch) == "added b");
}

TEST_CASE("a wait is not told what its own list has shown: the end of an object that another has taken the place of") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    f.cluster.put(claim("a"));
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("b"));
        CHECK(f.told(*first) == "added b");
    }
    f.cluster.drop(claim_ref("a"));
    f.cluster.put(claim("a"));
    const auto second = f.open(watches, "a", f.now());
    f.cluster.drop(claim_ref("a"));
    CHECK(f.told(*second) == "nothing");
    CHECK(f.told(*second) == "nothing");
    CHECK(f.told(*second) == "deleted a");
    CHECK(f.opened() == 1);
}

TEST_CASE(
    "a list from an older state than what the watch has told gets a watch of its own, and none of its events is "
    "missed") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    const std::string older = f.now();
    {
        const auto first = f.open(watches, "a", older);
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
    }
    const auto second = f.open(watches, "a", older);
    CHECK(f.told(*second) == "added a");
    CHECK(f.opened() == 2);
}

TEST_CASE("a watch that is quiet when a wait leaves it is not handed on") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
        CHECK(f.told(*first) == "nothing");
    }
    f.open(watches, "a", f.now());
    CHECK(f.opened() == 2);
}

TEST_CASE("a watch of an earlier wait that tells nothing for ten seconds is given up, one of its own is not") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    {
        const auto first = f.open(watches, "a", f.now());
        for (int i = 0; i < 20; ++i) CHECK(f.told(*first) == "nothing");
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
    }
    {
        const auto second = f.open(watches, "a", f.now());
        for (int i = 0; i < 9; ++i) CHECK(f.told(*second) == "nothing");
        f.cluster.put(claim("a"));
        CHECK(f.told(*second) == "modified a");
        for (int i = 0; i < 20; ++i) CHECK(f.told(*second) == "nothing");  // it has told something by now
        f.cluster.put(claim("a"));
        CHECK(f.told(*second) == "modified a");
    }
    {
        const auto third = f.open(watches, "a", f.now());
        for (int i = 0; i < 9; ++i) CHECK(f.told(*third) == "nothing");
        CHECK(f.told(*third) == "ended");
    }
    CHECK(f.opened() == 1);
    f.open(watches, "a", f.now());
    CHECK(f.opened() == 2);
}

TEST_CASE("what lay ready since an earlier wait says nothing of whether a watch is alive") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
    }
    // Nobody reads these, and the list of the next wait shows them already.
    f.cluster.put(claim("b"));
    f.cluster.put(claim("b"));
    {
        const auto second = f.open(watches, "a", f.now());
        for (int i = 0; i < 2; ++i) CHECK(f.told(*second) == "nothing");
        int asked = 0;
        while (asked < 20 && f.told(*second) == "nothing") ++asked;
        CHECK(asked < 10);  // then it ended
    }
    f.open(watches, "a", f.now());
    CHECK(f.opened() == 2);
}

TEST_CASE("a watch that ended is not handed on") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
        f.cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
            if (call != "next pvc") return std::nullopt;
            return Error{ErrorKind::kGone, "too old", "", 410, "Expired"};
        };
        CHECK(f.told(*first) == "other error");
        f.cluster.fault = nullptr;
    }
    const auto second = f.open(watches, "b", f.now());
    f.cluster.put(claim("b"));
    CHECK(f.told(*second) == "added b");
    CHECK(f.opened() == 2);
}

TEST_CASE("versions that are no numbers cannot be compared: each wait has a watch of its own") {
    struct Odd : FakeCluster {
        using FakeCluster::FakeCluster;
        std::vector<std::string> selected;
        Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource& resource, const std::string& space,
                                                   const kube::ListOptions& options, const std::string&) override {
            selected.push_back(options.field_selector);
            return FakeCluster::watch(resource, space, options, "100");
        }
    };
    Shared f;
    Odd odd(f.clock);
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    for (const char* version : {"v1:a", "", "12a"}) {
        CHECK(watches.watch(odd, kube::kClaims, "n", f.only("a"), version).ok());
        CHECK(watches.watch(odd, kube::kClaims, "n", f.only("b"), version).ok());
    }
    CHECK(odd.selected == std::vector<std::string>{"metadata.name=a", "metadata.name=b", "metadata.name=a",
                                                   "metadata.name=b", "metadata.name=a", "metadata.name=b"});
}

TEST_CASE("versions are compared as numbers of any length") {
    Shared f;
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    for (int i = 0; i < 880; ++i) f.cluster.put(claim("x"));  // 980: of three digits
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
    }
    for (int i = 0; i < 40; ++i) f.cluster.put(claim("x"));  // 1021
    const auto second = f.open(watches, "a", f.now());
    f.cluster.put(claim("a"));
    std::string seen = "nothing";
    for (int i = 0; i < 100 && seen == "nothing"; ++i) seen = f.told(*second);
    CHECK(seen == "modified a");
    CHECK(f.opened() == 1);
}

TEST_CASE("two clusters have a watch each") {
    Shared f;
    FakeCluster there(f.clock);
    const Plan plan = f.two();
    SharedWatches watches(plan, f.clock);
    {
        const auto first = f.open(watches, "a", f.now());
        f.cluster.put(claim("a"));
        CHECK(f.told(*first) == "added a");
    }
    auto second = watches.watch(there, kube::kClaims, "n", f.only("a"), "101");
    REQUIRE(second.ok());
    there.put(claim("b"));
    there.put(claim("a"));
    CHECK(f.told(**second) == "added a");
    CHECK(f.opened() == 1);
    CHECK(there.calls == std::vector<std::string>{"watch pvc n"});
}

TEST_CASE("who may not watch is told so at once") {
    Shared f;
    f.cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("watch", 0) != 0) return std::nullopt;
        return Error{ErrorKind::kForbidden, "persistentvolumeclaims is forbidden", "", 403, "Forbidden"};
    };
    f.plan.steps = f.two().steps;
    CHECK(f.run().status.error().kind == ErrorKind::kForbidden);
    CHECK(f.opened() == 1);
}
