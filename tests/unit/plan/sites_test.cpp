#include "common/plan/executor.h"
#include "common/plan/gc.h"
#include "common/plan/journal.h"
#include "common/plan/make_step.h"
#include "common/plan/permissions.h"
#include "tests/unit/support/fake_cluster.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <doctest/doctest.h>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT
using holdfast::testing::FakeClock;
using holdfast::testing::FakeCluster;

namespace {

struct NoSignals : Signals {
    int count() const override { return 0; }
    int last() const override { return 0; }
};

struct Deaf : Witness {
    void step_started(const Step&) override {}
    void step_waits(const Step&, const std::string&) override {}
    void step_done(const Step&, double) override {}
    void step_failed(const Step&, const Error&) override {}
    void message(const std::string&) override {}
};

struct CountedSql : SqlRunner {
    int asked = 0;
    Result<std::string> query(const Sql&, std::chrono::milliseconds) override {
        ++asked;
        return std::string();
    }
};

Json map_named(const std::string& name) {
    return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}, {"namespace", "n"}}}};
}
kube::ObjectRef map_ref(const std::string& name) { return {kube::kConfigMaps, "n", name}; }

Step there(Step step) {
    step.site = kube::Site::kThere;
    return step;
}

struct Two {
    FakeClock clock;
    NoSignals signals;
    Deaf witness;
    FakeCluster here{clock}, other{clock};
    CountedSql here_sql, other_sql;
    Outcome run(std::vector<Step> steps) {
        Plan plan;
        plan.operation = "op";
        plan.steps = std::move(steps);
        World world{here, clock, signals, witness, nullptr, &here_sql, nullptr, {}};
        world.other.emplace(OtherCluster{other, nullptr, &other_sql});
        return execute(plan, world, {});
    }
};

}  // namespace

TEST_SUITE("two clusters") {
    TEST_CASE("each step acts on its own cluster, creates of both that are ready at once too") {
        Two two;
        Sql sql;
        const auto outcome =
            two.run({make_step("a", "a", "", Create{map_named("a"), {}}),
                     there(make_step("b", "b", "", Create{map_named("b"), {}})),
                     make_step("c", "c", "", Create{map_named("c"), {}}), there(make_step("q", "q", "", sql, {"b"}))});
        REQUIRE(outcome.status.ok());
        CHECK(two.here.at(map_ref("a")) != nullptr);
        CHECK(two.here.at(map_ref("c")) != nullptr);
        CHECK(two.here.at(map_ref("b")) == nullptr);
        CHECK(two.other.at(map_ref("b")) != nullptr);
        CHECK(two.other.writes().size() == 1);
        CHECK(two.here_sql.asked == 0);
        CHECK(two.other_sql.asked == 1);
    }

    TEST_CASE("what is deleted there is judged and pinned by what is there") {
        Two two;
        Json mine = map_named("a");
        mine["metadata"]["labels"] = {{labels::kOperation, "op"}};
        two.here.put(map_named("a"));  // somebody's, of the same name
        two.other.put(mine);
        REQUIRE(two.run({there(delete_step("d", map_ref("a"), "", ""))}).status.ok());
        CHECK(two.other.at(map_ref("a")) == nullptr);
        CHECK(two.here.at(map_ref("a")) != nullptr);
    }

    TEST_CASE("access is asked of the cluster that it is of, and answered in order") {
        FakeClock clock;
        FakeCluster here(clock), other(clock);
        here.may = [](const kube::AccessCheck& check) { return check.verb != "delete"; };
        other.may = [](const kube::AccessCheck& check) { return check.verb == "delete"; };
        const auto ask = [](const char* verb, kube::Site site) {
            return kube::AccessCheck{verb, kube::kPods, "n", "", "", site};
        };
        const auto answers = allowed_at(here, &other,
                                        {ask("delete", kube::Site::kThere), ask("get", kube::Site::kHere),
                                         ask("get", kube::Site::kThere), ask("delete", kube::Site::kHere)});
        REQUIRE(answers.ok());
        CHECK(*answers == std::vector<bool>{true, true, false, false});
    }

    TEST_CASE("a permission that both clusters have to give is asked for twice") {
        Plan plan;
        plan.steps = {make_step("a", "a", "", Create{map_named("a"), {}}),
                      there(make_step("b", "b", "", Create{map_named("b"), {}}))};
        const auto needs = permissions(plan);
        CHECK(std::count_if(needs.begin(), needs.end(), [](const auto& one) {
                  return one.verb == "create" && one.site == kube::Site::kThere;
              }) == 1);
        CHECK(std::count_if(needs.begin(), needs.end(), [](const auto& one) { return one.verb == "create"; }) == 2);
    }

    TEST_CASE("a journal knows which of its objects are in the other cluster") {
        Plan plan;
        plan.steps = {make_step("a", "a", "", Create{map_named("a"), {}}),
                      there(make_step("b", "b", "", Create{map_named("b"), {}}))};
        Journal journal;
        journal.rounds.push_back(brief(plan));
        CHECK(created_objects(journal) == std::vector<kube::ObjectRef>{map_ref("a")});
        CHECK(created_objects(journal, kube::Site::kThere) == std::vector<kube::ObjectRef>{map_ref("b")});
        CHECK(written_objects(journal).size() == 1);
    }

    TEST_CASE("a signpost says where the journal is, and gc leaves alone what the operation made") {
        FakeClock clock;
        FakeCluster cluster(clock);
        Json signpost = signpost_manifest({"clone-x-abcde", "clone", "shop", "https://one.example", "prod"}, "n");
        signpost["metadata"]["labels"][labels::kManagedBy] = labels::kManagedByValue;
        signpost["metadata"]["labels"][labels::kOperation] = "clone-x-abcde";
        cluster.put(signpost);
        Json pod = {{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata",
                     {{"name", "clone-x-abcde-0"},
                      {"namespace", "n"},
                      {"labels",
                       {{labels::kManagedBy, labels::kManagedByValue},
                        {labels::kOperation, "clone-x-abcde"},
                        {labels::kRole, "consumer"}}}}},
                    {"spec", Json::object()}};
        cluster.put(pod);
        const auto read = read_journal(cluster, "n", "clone-x-abcde");
        REQUIRE(!read.ok());
        CHECK(read.error().kind == ErrorKind::kRefused);
        CHECK(read.error().message ==
              "configmap/n/holdfast-op-clone-x-abcde: operation clone-x-abcde was begun from another cluster, "
              "https://one.example, and its journal is there, in namespace shop: kubectl clone resume clone-x-abcde -n "
              "shop --context prod, or kubectl clone abort clone-x-abcde -n shop --context prod");
        // One whose create was under way while somebody aborted the operation leads to nothing.
        CHECK(read.error().hint.find("knows no such operation, delete this ConfigMap") != std::string::npos);
        NoSignals signals;
        const Self self{"me", "host", [](const std::string&) { return OwnerState::kDead; }};
        const auto gc = plan_gc(cluster, "n", self, {clock, signals, [](const std::string&) {}});
        REQUIRE(gc.ok());
        CHECK(gc->steps.empty());
        cluster.drop(map_ref("holdfast-op-clone-x-abcde"));
        const auto alone = plan_gc(cluster, "n", self, {clock, signals, [](const std::string&) {}});
        REQUIRE(alone.ok());
        CHECK(alone->steps.size() == 1);
    }

    TEST_CASE("a signpost that somebody edited gives no line to be pasted") {
        Json signpost = signpost_manifest({"clone-x-abcde", "clone", "shop; rm -rf /", "https://one.example", ""}, "n");
        const auto read = journal_from_config_map(signpost);
        REQUIRE(!read.ok());
        CHECK(read.error().kind == ErrorKind::kInvalid);
        CHECK(read.error().message.find("rm -rf") == std::string::npos);
    }
}
