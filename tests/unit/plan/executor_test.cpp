#include "common/plan/executor.h"

#include "common/kube/objects/labels.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT
using holdfast::testing::FakeClock;
using holdfast::testing::FakeCluster;

namespace {

struct FakeSignals : Signals {
    int number = 0;
    int count() const override { return number; }
    int last() const override { return number > 0 ? 2 : 0; }
};

struct Notes : Witness {
    std::vector<std::string> lines;
    void step_started(const Step& step) override { lines.push_back("start " + step.id); }
    void step_waits(const Step&, const std::string& detail) override { lines.push_back("wait " + detail); }
    void step_done(const Step& step, double) override { lines.push_back("done " + step.id); }
    void step_failed(const Step& step, const Error& error) override {
        lines.push_back("fail " + step.id + ": " + error.message);
    }
    void message(const std::string& text) override { lines.push_back(text); }
    bool saw(const std::string& line) const { return std::find(lines.begin(), lines.end(), line) != lines.end(); }
};

struct FakePods : PodRunner {
    std::vector<std::string> ran;
    std::string fails;
    bool held_running = true;
    struct Held : HeldExec {
        FakePods& pods;
        explicit Held(FakePods& owner) : pods(owner) {}
        bool running() override { return pods.held_running; }
        std::string error_output() override { return "gone"; }
        Status release() override {
            pods.ran.push_back("release");
            return {};
        }
    };
    Result<std::string> run(const Exec& exec, std::chrono::milliseconds) override {
        ran.push_back(exec.argv.back());
        if (exec.argv.back() == fails) return Error{ErrorKind::kFailed, "exit code 1", "", 0, ""};
        return std::string("out of " + exec.argv.back() + "\n");
    }
    Result<std::unique_ptr<HeldExec>> hold(const Exec& exec) override {
        ran.push_back("hold " + exec.argv.back());
        return std::unique_ptr<HeldExec>(std::make_unique<Held>(*this));
    }
};

Json claim(const std::string& name) {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"metadata", {{"name", name}, {"namespace", "n"}}},
            {"spec", {{"dataSource", {{"name", "s"}}}}}};
}
kube::ObjectRef claim_ref(const std::string& name) { return {kube::kClaims, "n", name}; }

Step step(const std::string& id, Action action, std::vector<std::string> after = {}) {
    Step one;
    one.id = id;
    one.title = id;
    one.action = std::move(action);
    one.after = std::move(after);
    return one;
}

Exec exec(const std::string& command) {
    Exec one;
    one.space = "n";
    one.pod = "p";
    one.argv = {"sh", "-c", command};
    return one;
}

struct Fixture {
    FakeClock clock;
    FakeCluster cluster{clock};
    FakeSignals signals;
    Notes notes;
    FakePods pods;
    World world{cluster, clock, signals, notes, &pods, nullptr, nullptr, {}};
    Limits limits;
    Plan plan;
    Fixture() { plan.operation = "op-1"; }
    Outcome run() { return execute(plan, world, limits); }
};

}  // namespace

TEST_CASE("creates carry the operation, and a wait ends when the last object is as it should be") {
    Fixture f;
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
    Fixture f;
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
    Fixture f;
    f.cluster.admit = [](Json& object) { object["spec"].erase("dataSource"); };
    f.plan.steps = {step("a", Create{claim("a"), {"/spec/dataSource"}}),
                    step("later", Delete{claim_ref("x"), {}}, {"a"})};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().reason == "DataSourceDropped");
    CHECK_FALSE(f.notes.saw("start later"));
}

TEST_CASE("a create whose answer is lost is found again, never made twice") {
    for (const bool applied : {true, false}) {
        Fixture f;
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
    Fixture f;
    f.limits.stall = std::chrono::seconds(30);
    f.world.explain = [](const kube::ObjectRef& ref) { return "no class for " + ref.text(); };
    f.cluster.put(claim("a"));
    f.plan.steps = {step("w", WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""})};
    const Outcome outcome = f.run();
    CHECK(outcome.status.error().kind == ErrorKind::kTimeout);
    CHECK(outcome.status.error().message == "pvc/n/a: no progress in 30.0s: no phase yet; no class for pvc/n/a");
}

TEST_CASE("a list that shows a workload as it was before it was stopped does not end the wait for its pods") {
    const auto set = [](int generation, int ready) {
        return Json{{"apiVersion", "apps/v1"},
                    {"kind", "StatefulSet"},
                    {"metadata", {{"name", "db"}, {"namespace", "n"}, {"uid", "u1"}, {"generation", generation}}},
                    {"spec", {{"replicas", 1}}},
                    {"status", {{"observedGeneration", generation}, {"replicas", 1}, {"readyReplicas", ready}}}};
    };
    Fixture f;
    f.cluster.put(set(1, 1));
    f.cluster.react = [&](FakeCluster& cluster) { cluster.put(set(3, 1)); };
    WaitFor wait{kube::kStatefulSets, "n", {"db"}, Condition::kAllReady, ""};
    wait.generation = 3;
    f.plan.steps = {step("w", wait)};
    CHECK(f.run().status.ok());
    CHECK(f.notes.saw("wait sts/n/db: the API server shows an older state of it"));
}

TEST_CASE("bad input 39: an object that is replaced during a wait is told, not taken") {
    Fixture f;
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

TEST_CASE("a watch that ends or is too old goes on with a new list") {
    for (const ErrorKind kind : {ErrorKind::kGone, ErrorKind::kUnavailable}) {
        Fixture f;
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

TEST_CASE("what always runs, runs after a failure; the rest does not") {
    Fixture f;
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
    Fixture f;
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
    Fixture f;
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
    Fixture f;
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

TEST_CASE("patches that may go out together do, those that wait for one of them after it, and not too many at once") {
    struct Counting : FakeCluster {
        using FakeCluster::FakeCluster;
        std::vector<std::size_t> batches;
        std::vector<Result<Json>> patch_all(const std::vector<kube::PatchCall>& sent, kube::DryRun dry_run) override {
            batches.push_back(sent.size());
            return FakeCluster::patch_all(sent, dry_run);
        }
    };
    Fixture f;
    Counting cluster(f.clock);
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

TEST_CASE("a delete never touches the successor of what it names") {
    Fixture f;
    f.cluster.put(claim("a"));
    f.plan.steps = {step("d", Delete{claim_ref("a"), {"uid-of-another", ""}, kube::Propagation::kBackground, true})};
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
    f.cluster.drop(claim_ref("a"));
    CHECK(f.run().status.ok());
}

TEST_CASE("a delete of what the plan itself makes leaves somebody else's object of that name") {
    Fixture f;
    f.plan.steps = {step("c", Create{claim("a"), {}}),
                    step("d", Delete{claim_ref("a"), {}, kube::Propagation::kBackground, true}, {"c"})};
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("get", 0) != 0) return std::nullopt;
        f.cluster.drop(claim_ref("a"));
        f.cluster.put(claim("a"));
        return std::nullopt;
    };
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
}

TEST_CASE("a delete that is told \"not found\" looks whether that is true") {
    Fixture f;
    f.cluster.put(claim("a"));
    int answers = 0;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("delete", 0) != 0 || ++answers > 1) return std::nullopt;
        return Error{ErrorKind::kNotFound, "the server could not find the requested resource", "", 404, "NotFound"};
    };
    f.plan.steps = {step("d", Delete{claim_ref("a"), {}, kube::Propagation::kBackground, true})};
    CHECK(f.run().status.ok());
    CHECK(f.cluster.at(claim_ref("a")) == nullptr);
}

TEST_CASE("an expectation that is not met is exit 6, output and all") {
    Fixture f;
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
    Fixture f;
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
    Fixture down;
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

    Fixture edited;
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
    Fixture f;
    Create again{claim("a"), {}, true};
    f.plan.steps = {step("a", again)};
    REQUIRE(f.run().status.ok());
    CHECK_FALSE((*f.cluster.at(claim_ref("a")))["metadata"].contains("labels"));
    Fixture taken;
    taken.cluster.put(claim("a"));
    taken.plan.steps = {step("a", again)};
    CHECK(taken.run().status.ok());
}

TEST_CASE("a delete ends when the one that was meant is gone, whoever has its name by then") {
    Fixture f;
    f.cluster.put(claim("a"));
    Delete action{claim_ref("a"), {(*f.cluster.at(claim_ref("a")))["metadata"]["uid"], ""}};
    bool again = false;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after && call == "delete pvc/n/a" && !again) {
            again = true;
            f.cluster.put(claim("a"));  // somebody makes it anew at once
        }
        return std::nullopt;
    };
    f.plan.steps = {step("gone", action)};
    CHECK(f.run().status.ok());
    CHECK(again);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
}

namespace {

void put_pod(Fixture& f) {
    f.cluster.put({{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "p"}, {"namespace", "n"}}}});
    Delete evict{{kube::kPods, "n", "p"}, {}};
    evict.evict = true;
    f.plan.steps = {step("evict", evict)};
}

// The first so many evictions are more than a budget allows.
void put_budget(Fixture& f, int& refusals) {
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call != "evict pod/n/p" || refusals == 0) return std::nullopt;
        --refusals;
        return Error{ErrorKind::kUnavailable, "no disruption is allowed", "", 429, "TooManyRequests"};
    };
}

}  // namespace

TEST_CASE("a pod is evicted, and a budget that does not allow it is asked again until it does") {
    Fixture f;
    put_pod(f);
    int refusals = 3;
    put_budget(f, refusals);
    CHECK(f.run().status.ok());
    CHECK(refusals == 0);
    CHECK(f.notes.saw("wait pod/n/p: not evicted yet: no disruption is allowed"));
    CHECK(f.cluster.at({kube::kPods, "n", "p"}) == nullptr);
}

TEST_CASE("a budget that never allows an eviction ends it in time, and the pod stays") {
    Fixture f;
    put_pod(f);
    int refusals = 1000000;
    put_budget(f, refusals);
    const Outcome outcome = f.run();
    REQUIRE_FALSE(outcome.status.ok());
    CHECK(outcome.status.error().kind == ErrorKind::kTimeout);
    CHECK(outcome.status.error().hint.find("kubectl get poddisruptionbudgets -n n") != std::string::npos);
    CHECK(f.cluster.at({kube::kPods, "n", "p"}) != nullptr);
}

TEST_CASE("a signal ends the asking for an eviction") {
    Fixture f;
    put_pod(f);
    int refusals = 1000000;
    put_budget(f, refusals);
    const auto before = f.cluster.fault;
    f.cluster.fault = [&](const std::string& call, bool after) {
        if (refusals < 1000000 - 2) f.signals.number = 1;
        return before(call, after);
    };
    CHECK(f.run().status.error().kind == ErrorKind::kInterrupted);
}
