// What executes the steps of a plan; what it deletes and evicts is in delete_test.cpp.
#include "tests/unit/plan/executor_scene.h"

#include "common/plan/wait.h"
#include "tests/unit/support/counting_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                      // NOLINT: a test of one header
using namespace holdfast::plan;                // NOLINT
using namespace holdfast::testing::executing;  // NOLINT
using holdfast::testing::CountingCluster;
using holdfast::testing::FakeCluster;

TEST_CASE("creates carry the operation, and a wait ends when the last object is as it should be") {
    ExecutorScene f;
    f.plan.steps = {step("a", Create{claim("a"), {"/spec/dataSource"}}), step("b", Create{claim("b"), {}}),
                    step("bound", WaitFor{kube::kClaims, "n", {"a", "b"}, Condition::kClaimBound, ""}, {"a", "b"})};
    int looks = 0;
    f.cluster.react = [&](FakeCluster& cluster) {
        if (cluster.at(claim_ref("b")) == nullptr || ++looks < 3 || looks > 4) return;
        Json bound = *cluster.at(claim_ref(looks == 3 ? "a" : "b"));
        bound["status"]["phase"] = "Bound";
        cluster.put(bound);
    };
    const Outcome outcome = f.run();
    REQUIRE(outcome.status.ok());
    CHECK(outcome.wrote);
    CHECK((*f.cluster.at(claim_ref("a")))["metadata"]["labels"][labels::kOperation] == "op-1");
    CHECK(f.notes.saw("done bound"));
}

TEST_CASE("a name that somebody else has is exit 4, one of this operation is done") {
    ExecutorScene f;
    Json foreign = claim("a");
    foreign["metadata"]["labels"][labels::kOperation] = "op-0";
    f.cluster.put(foreign);
    f.plan.steps = {step("a", Create{claim("a"), {}})};
    CHECK(f.run().status.error().kind == ErrorKind::kLocked);
    foreign["metadata"]["labels"][labels::kOperation] = "op-1";
    f.cluster.put(foreign);
    CHECK(f.run().status.ok());
}

TEST_CASE("a data source that the API server drops is never taken for a restore") {
    ExecutorScene f;
    f.cluster.admit = [](Json& object) { object["spec"].erase("dataSource"); };
    f.plan.steps = {step("a", Create{claim("a"), {"/spec/dataSource"}}),
                    step("later", Delete{claim_ref("x"), {}}, {"a"})};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().reason == "DataSourceDropped");
    CHECK_FALSE(f.notes.saw("start later"));
}

TEST_CASE("a create whose answer is lost is found again, never made twice") {
    for (const bool applied : {true, false}) {
        ExecutorScene f;
        int lost = 1;
        f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
            if (call != "create pvc/n/a" || after != applied || lost-- <= 0) return std::nullopt;
            return Error{ErrorKind::kUnavailable, "connection reset", "", 0, ""};
        };
        f.plan.steps = {step("a", Create{claim("a"), {}})};
        CHECK(f.run().status.ok());
        CHECK(f.cluster.at(claim_ref("a")) != nullptr);
        CHECK(std::count(f.cluster.calls.begin(), f.cluster.calls.end(), "create pvc/n/a") == (applied ? 1 : 2));
    }
}

TEST_CASE("a wait in which nothing moves ends and says why") {
    ExecutorScene f;
    f.limits.stall = std::chrono::seconds(30);
    f.world.explain = [](const kube::ObjectRef& ref) { return "no class for " + ref.text(); };
    f.cluster.put(claim("a"));
    f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""})};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().kind == ErrorKind::kTimeout);
    CHECK(outcome.status.error().message == "pvc/n/a: no progress in 30.0s: no phase yet; no class for pvc/n/a");
}

TEST_CASE("a wait for a claim whose source is gone ends soon") {
    ExecutorScene f;
    f.world.explain = [](const kube::ObjectRef&) {
        Explanation why(std::string("its snapshot is gone"));
        why.no_source = true;
        return why;
    };
    f.cluster.put(claim("a"));
    WaitFor wait{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""};
    SUBCASE("it is to be made of it") {
        f.plan.steps = {step("w", wait)};
        const Outcome outcome = f.run();
        CHECK(outcome.status.error().kind == ErrorKind::kUnavailable);
        CHECK(outcome.status.error().reason == kNeverMore);
        CHECK(outcome.status.error().message == "pvc/n/a: no phase yet; its snapshot is gone");
    }
    SUBCASE("it gets a volume that is there") {
        wait.bound_to = {"pv-1"};
        f.cluster.put({{"apiVersion", "v1"}, {"kind", "PersistentVolume"}, {"metadata", {{"name", "pv-1"}}}});
        f.plan.steps = {step("w", wait)};
        CHECK(f.run().status.error().kind == ErrorKind::kTimeout);
    }
    SUBCASE("it gets a volume that somebody has deleted") {
        wait.bound_to = {"pv-1"};
        f.plan.steps = {step("w", wait)};
        const Outcome outcome = f.run();
        CHECK(outcome.status.error().reason == kNeverMore);
        CHECK(outcome.status.error().message ==
              "pvc/n/a: no phase yet; pv/pv-1, which was reserved for it, is not there any more: somebody deleted it");
    }
    SUBCASE("it is to go") {
        wait.condition = Condition::kGone;
        f.plan.steps = {step("w", wait)};
        CHECK(f.run().status.error().kind == ErrorKind::kTimeout);
    }
}

TEST_CASE("a wait in a namespace that is gone ends soon, unless it is for something to go") {
    ExecutorScene f;
    f.world.explain = [](const kube::ObjectRef&) {
        Explanation why(std::string("namespace n is not there any more"));
        why.no_space = true;
        return why;
    };
    WaitFor wait{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""};
    wait.bound_to = {"pv-1"};
    SUBCASE("to come") {
        f.plan.steps = {step("w", wait)};
        CHECK(f.run().status.error().reason == kNeverMore);
    }
    SUBCASE("to go") {
        f.cluster.put(claim("a"));
        f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kGone, ""})};
        CHECK(f.run().status.error().kind == ErrorKind::kTimeout);
    }
}

TEST_CASE("a list that shows a workload as it was before it was stopped does not end the wait for its pods") {
    const auto set = [](int generation, int ready) {
        return Json{{"apiVersion", "apps/v1"},
                    {"kind", "StatefulSet"},
                    {"metadata", {{"name", "db"}, {"namespace", "n"}, {"uid", "u1"}, {"generation", generation}}},
                    {"spec", {{"replicas", 1}}},
                    {"status", {{"observedGeneration", generation}, {"replicas", 1}, {"readyReplicas", ready}}}};
    };
    ExecutorScene f;
    f.cluster.put(set(1, 1));
    f.cluster.react = [&](FakeCluster& cluster) { cluster.put(set(3, 1)); };
    WaitFor wait{kube::kStatefulSets, "n", {"db"}, Condition::kAllReady, ""};
    wait.generation = 3;
    f.plan.steps = {step("w", wait)};
    CHECK(f.run().status.ok());
    CHECK(f.notes.saw("wait sts/n/db: the API server shows an older state of it"));
}

TEST_CASE("bad input 39: an object that is replaced during a wait is told, not taken") {
    ExecutorScene f;
    f.cluster.put(claim("a"));
    f.cluster.react = [](FakeCluster& cluster) {
        if (cluster.at(claim_ref("a")) == nullptr) return;
        cluster.drop(claim_ref("a"));
        Json other = claim("a");
        other["status"]["phase"] = "Bound";
        cluster.put(other);
    };
    f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""})};
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
}

TEST_CASE("an object that is gone before a wait for it begins is told by its uid, not waited for") {
    for (const bool replaced : {false, true}) {
        ExecutorScene f;
        if (replaced) f.cluster.put(claim("a"));
        WaitFor wait{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""};
        wait.uids = {"uid-of-the-one-that-is-meant"};
        f.plan.steps = {step("w", wait)};
        f.plan.steps[0].replan = true;
        const Outcome outcome = f.run();
        CHECK(outcome.status.error().kind == ErrorKind::kConflict);
        CHECK(outcome.replan);
    }
}

TEST_CASE("a watch that ends or is too old goes on with a new list") {
    for (const ErrorKind kind : {ErrorKind::kGone, ErrorKind::kUnavailable}) {
        ExecutorScene f;
        f.cluster.put(claim("a"));
        int ends = 3;
        f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
            if (call != "next pvc" || ends-- <= 0) return std::nullopt;
            return Error{kind, "ended", "", 0, ""};
        };
        f.cluster.react = [](FakeCluster& cluster) {
            Json bound = *cluster.at(claim_ref("a"));
            bound["status"]["phase"] = "Bound";
            cluster.put(bound);
        };
        f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""})};
        CHECK(f.run().status.ok());
    }
}

TEST_CASE("a watch that tells nothing and does not end is not believed when the time is up") {
    struct Silent : kube::Watch {
        explicit Silent(Clock& around) : clock(around) {}
        Clock& clock;
        Result<std::optional<kube::WatchEvent>> next(std::chrono::milliseconds timeout) override {
            clock.sleep_for(timeout);
            return std::optional<kube::WatchEvent>();
        }
    };
    struct Stalled : FakeCluster {
        explicit Stalled(Clock& around) : FakeCluster(around), clock(around) {}
        Clock& clock;
        Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource&, const std::string&, const kube::ListOptions&,
                                                   const std::string&) override {
            put({{"apiVersion", "v1"},
                 {"kind", "PersistentVolumeClaim"},
                 {"metadata", {{"name", "a"}, {"namespace", "n"}, {"uid", "u"}}},
                 {"spec", {{"volumeName", "v"}}},
                 {"status", {{"phase", "Bound"}}}});
            return std::unique_ptr<kube::Watch>(std::make_unique<Silent>(clock));
        }
    };
    ExecutorScene f;
    Stalled cluster(f.clock);
    cluster.put({{"apiVersion", "v1"},
                 {"kind", "PersistentVolumeClaim"},
                 {"metadata", {{"name", "a"}, {"namespace", "n"}, {"uid", "u"}}},
                 {"status", {{"phase", "Pending"}}}});
    World world{cluster, f.clock, f.signals, f.notes, &f.pods, nullptr, nullptr, {}};
    f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""})};
    CHECK(execute(f.plan, world, f.limits).status.ok());
}

TEST_CASE("what always runs, runs after a failure; the rest does not") {
    ExecutorScene f;
    f.pods.fails = "pre-1";
    Step post = step("post-0", exec("post-0"), {"pre-0", "pre-1"});
    post.always = true;
    Step post_never = step("post-2", exec("post-2"), {"pre-2"});
    post_never.always = true;
    f.plan.steps = {step("pre-0", exec("pre-0")),
                    step("pre-1", exec("pre-1"), {"pre-0"}),
                    step("pre-2", exec("pre-2"), {"pre-1"}),
                    step("cut", Create{claim("a"), {}}, {"pre-2"}),
                    post,
                    post_never};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().kind == ErrorKind::kFailed);
    CHECK(outcome.failed_step == "pre-1");
    CHECK(f.pods.ran == std::vector<std::string>{"pre-0", "pre-1", "post-0"});
    CHECK(f.cluster.at(claim_ref("a")) == nullptr);
}

TEST_CASE("a hold that ends by itself has not held") {
    ExecutorScene f;
    Exec hold = exec("lock");
    hold.hold = true;
    Exec release;
    release.release_of = "hold";
    Step last = step("release", release, {"cut"});
    last.always = true;
    f.plan.steps = {step("hold", hold), step("cut", Create{claim("a"), {}}, {"hold"}), last};
    CHECK(f.run().status.ok());
    CHECK(f.pods.ran.back() == "release");
    f.pods.held_running = false;
    CHECK(f.run().status.error().kind == ErrorKind::kFailed);
}

TEST_CASE("Ctrl-C stops at the next safe point and still runs what always runs") {
    ExecutorScene f;
    Step post = step("post", exec("post"), {"pre"});
    post.always = true;
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("create", 0) == 0) f.signals.number = 1;
        return std::nullopt;
    };
    f.plan.steps = {step("pre", exec("pre")), step("cut", Create{claim("a"), {}}, {"pre"}),
                    step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""}, {"cut"}), post};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().kind == ErrorKind::kInterrupted);
    CHECK(f.pods.ran == std::vector<std::string>{"pre", "post"});
}

TEST_CASE("a patch of a changed object is a conflict, one that holds already is done") {
    ExecutorScene f;
    f.cluster.put(claim("a"));
    const std::string old_version = (*f.cluster.at(claim_ref("a")))["metadata"]["resourceVersion"].get<std::string>();
    const Json mark = {{"metadata", {{"annotations", {{"x", "1"}}}}}};
    f.plan.steps = {step("p", Patch{claim_ref("a"), kube::PatchType::kMerge, mark, {"", old_version}, ""})};
    CHECK(f.run().status.ok());
    CHECK(f.run().status.ok());
    f.plan.steps = {step("p", Patch{claim_ref("a"),
                                    kube::PatchType::kMerge,
                                    {{"metadata", {{"annotations", {{"x", "2"}}}}}},
                                    {"", old_version},
                                    ""})};
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
    f.plan.steps = {step("p", Patch{claim_ref("a"), kube::PatchType::kMerge, mark, {"another-uid", ""}, ""})};
    CHECK(f.run().status.error().message.find("object replaced") != std::string::npos);
}

TEST_CASE("of an object that is gone since the round was planned the next one decides, where there is one") {
    for (const bool replan : {true, false}) {
        ExecutorScene f;
        f.plan.steps = {
            step("p", Patch{claim_ref("a"), kube::PatchType::kMerge, {{"spec", Json::object()}}, {"uid", "7"}, ""})};
        f.plan.steps[0].replan = replan;
        const Outcome outcome = f.run();
        CHECK(outcome.status.error().kind == ErrorKind::kNotFound);
        CHECK(outcome.replan == replan);
    }
}

TEST_CASE("a patch that was carried out and whose answer was lost is done, also when the binder has written on") {
    ExecutorScene f;
    const kube::ObjectRef ref{kube::kVolumes, "", "pv"};
    f.cluster.put({{"apiVersion", "v1"}, {"kind", "PersistentVolume"}, {"metadata", {{"name", "pv"}}}});
    bool lost = false;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (!after || lost || call.rfind("patch", 0) != 0) return std::nullopt;
        lost = true;
        Json bound = *f.cluster.at(ref);
        bound["spec"]["claimRef"]["resourceVersion"] = "7";
        bound["metadata"].erase("labels");  // the last one of them was taken off
        f.cluster.put(bound);
        return Error{ErrorKind::kUnavailable, "request did not complete within the time", "", 504, "Timeout"};
    };
    const Json body = {{"metadata", {{"labels", {{"x", nullptr}}}}},
                       {"spec", {{"claimRef", {{"name", "c"}, {"uid", "u"}, {"resourceVersion", nullptr}}}}}};
    const std::string version = kube::version_of(*f.cluster.at(ref));
    f.plan.steps = {step("p", Patch{ref, kube::PatchType::kMerge, body, {"", version}, ""})};
    CHECK(f.run().status.ok());
    CHECK(lost);
}

TEST_CASE("patches that may go out together do, those that wait for one of them after it, and not too many at once") {
    ExecutorScene f;
    CountingCluster cluster(f.clock);
    World world{cluster, f.clock, f.signals, f.notes, &f.pods, nullptr, nullptr, {}};
    const Json mark = {{"metadata", {{"annotations", {{"x", "1"}}}}}};
    for (int i = 0; i < 70; ++i) {
        const std::string name = "c" + std::to_string(i);
        cluster.put(claim(name));
        f.plan.steps.push_back(step(name, Patch{claim_ref(name), kube::PatchType::kMerge, mark, {}, ""}));
        f.plan.steps.back().together = true;
        if (i >= 3) f.plan.steps.back().after = {"c0"};
    }
    CHECK(execute(f.plan, world, f.limits).status.ok());
    CHECK(cluster.batches == std::vector<std::size_t>{3, 64, 3});
    cluster.batches.clear();
    cluster.drop(claim_ref("c1"));  // one that fails: those beside it are done, the rest is left
    const Outcome outcome = execute(f.plan, world, f.limits);
    CHECK(outcome.failed_step == "c1");
    CHECK(cluster.batches == std::vector<std::size_t>{3});
    CHECK(f.notes.saw("done c2"));
}

TEST_CASE("an expectation that is not met is exit 6, output and all") {
    ExecutorScene f;
    Exec check = exec("count");
    check.output = "rows";
    check.expect = "7";
    f.plan.steps = {step("c", check)};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().kind == ErrorKind::kMismatch);
    CHECK(outcome.status.error().message == "expected \"7\" and read \"out of count\"");
    CHECK(outcome.progress.outputs.at("rows") == "out of count");
}

TEST_CASE("a server dry run writes nothing and says what it could not try") {
    ExecutorScene f;
    f.limits.dry_run = kube::DryRun::kServer;
    f.plan.steps = {step("a", Create{claim("a"), {}}),
                    step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""}, {"a"})};
    const Outcome outcome = f.run();
    CHECK(outcome.status.ok());
    CHECK_FALSE(outcome.wrote);
    CHECK(outcome.not_verified == std::vector<std::string>{"w"});
    CHECK(f.cluster.at(claim_ref("a")) == nullptr);
}

TEST_CASE("a scale that names the number it starts from lets somebody else's number win, or stops, as the step says") {
    const kube::ObjectRef ref{kube::kStatefulSets, "n", "db"};
    const Json set = {{"apiVersion", "apps/v1"},
                      {"kind", "StatefulSet"},
                      {"metadata", {{"name", "db"}, {"namespace", "n"}}},
                      {"spec", {{"replicas", 3}}}};
    ExecutorScene down;
    down.cluster.put(set);
    Scale scale{ref, 0, {}, 3, {{"was", "3"}}, false};
    down.plan.steps = {step("down", scale)};
    REQUIRE(down.run().status.ok());
    CHECK((*down.cluster.at(ref))["spec"]["replicas"] == 0);
    CHECK((*down.cluster.at(ref))["metadata"]["annotations"]["was"] == "3");
    REQUIRE(down.run().status.ok());  // a resume sees it done
    down.plan.steps = {step("up", Scale{ref, 3, {}, 0, {{"was", nullptr}}, true})};
    REQUIRE(down.run().status.ok());
    CHECK((*down.cluster.at(ref))["spec"]["replicas"] == 3);
    CHECK_FALSE((*down.cluster.at(ref))["metadata"]["annotations"].contains("was"));

    ExecutorScene edited;
    Json four = set;
    four["spec"]["replicas"] = 4;
    edited.cluster.put(four);
    edited.plan.steps = {step("down", scale)};
    CHECK(edited.run().status.error().kind == ErrorKind::kConflict);
    edited.plan.steps = {step("up", Scale{ref, 3, {}, 0, {{"was", nullptr}}, true})};
    REQUIRE(edited.run().status.ok());
    CHECK((*edited.cluster.at(ref))["spec"]["replicas"] == 4);
}

TEST_CASE("a claim that is made again for its owner carries no label of ours and is nobody's name to take") {
    ExecutorScene f;
    Create again{claim("a"), {}, true};
    f.plan.steps = {step("a", again)};
    REQUIRE(f.run().status.ok());
    CHECK_FALSE((*f.cluster.at(claim_ref("a")))["metadata"].contains("labels"));
    ExecutorScene taken;
    taken.cluster.put(claim("a"));
    taken.plan.steps = {step("a", again)};
    CHECK(taken.run().status.ok());
}
