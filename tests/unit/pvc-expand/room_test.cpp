// Who else would take up what is of a StatefulSet, and whether there is room for what is written beside its claims.
#include "plugins/pvc-expand/guards.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

TEST_CASE("whoever else selects a set's pods or revisions would take them up while it is replaced: refused") {
    ExpandFacts made;
    facts(made);
    const Json db = {{"matchLabels", {{"app", "db"}}}}, other = {{"matchLabels", {{"app", "other"}}}};
    made.takers = {{{kube::kStatefulSets, "shop", "db"}, db}, {{kube::kDaemonSets, "shop", "agent"}, other}};
    CHECK(choose(options(), made).ok());
    made.takers.push_back({{kube::kDaemonSets, "shop", "logs"}, db});
    refuses(options(), made, "the selector of daemonset/shop/logs chooses what is of sts/shop/db, too",
            "kubectl pvc-expand pvc/NAME");
    made.takers.back() = {{kube::kStatefulSets, "shop", "db-too"}, db};
    refuses(options(), made, "its ControllerRevisions would become the other one's");
    // What its pods have besides the labels of their template.
    const Json numbered = {
        {"matchExpressions",
         Json::array({{{"key", "controller-revision-hash"}, {"operator", "In"}, {"values", Json::array({"db-1"})}}})}};
    made.takers.back() = {{kube::kReplicaSets, "shop", "bare"}, numbered};
    refuses(options(), made, "the selector of rs/shop/bare chooses");
    CHECK(choose(options("10Gi"), made).ok());  // nothing is replaced
}

TEST_CASE("whoever takes up pods that are nobody's is among those that are looked at, and nobody else") {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster{clock};
    const auto put = [&](const char* version, const char* kind, const char* name, Json spec,
                         Json more = Json::object()) {
        Json one = {{"apiVersion", version},
                    {"kind", kind},
                    {"metadata", {{"name", name}, {"namespace", "shop"}}},
                    {"spec", std::move(spec)}};
        one.update(more, true);
        cluster.put(std::move(one));
    };
    const Json labels = {{"app", "db"}}, selector = {{"matchLabels", labels}};
    for (const char* kind : {"StatefulSet", "DaemonSet", "ReplicaSet"})
        put("apps/v1", kind, "one", {{"selector", selector}});
    put("apps/v1", "ReplicaSet", "of-a-deployment", {{"selector", selector}},
        {{"metadata", {{"labels", {{"pod-template-hash", "5d"}}}}}});
    put("v1", "ReplicationController", "plain", {{"selector", labels}});
    put("batch/v1", "Job", "by-hand", {{"selector", selector}, {"manualSelector", true}});
    put("batch/v1", "Job", "own", {{"selector", selector}});
    put("batch/v1", "Job", "ended", {{"selector", selector}, {"manualSelector", true}},
        {{"status", {{"conditions", Json::array({{{"type", "Failed"}, {"status", "True"}}})}}}});
    put("apps/v1", "DaemonSet", "going", {{"selector", selector}},
        {{"metadata", {{"deletionTimestamp", "2026-11-21T05:12:11Z"}}}});
    const auto takers = gather_takers(cluster, "shop");
    REQUIRE(takers.ok());
    std::vector<std::string> names;
    for (const Taker& taker : *takers) {
        names.push_back(taker.ref.text());
        CHECK(taker_of({taker}, {}, set()) != nullptr);
    }
    CHECK(names == std::vector<std::string>{"sts/shop/one", "daemonset/shop/one", "rs/shop/one", "rc/shop/plain",
                                            "job/shop/by-hand"});
}

TEST_CASE("whoever came to select a set's pods since the plan keeps it from being deleted") {
    ExpandState at = grown_state();
    at.takers = {{{kube::kStatefulSets, "shop", "db"}, {{"matchLabels", {{"app", "db"}}}}}};
    CHECK(plan_round(Stage::kSwap, record(), at, kId, now()).ok());
    at.takers.push_back({{kube::kJobs, "shop", "late"}, {{"matchLabels", {{"app", "db"}}}}});
    const auto plan = plan_round(Stage::kSwap, record(), at, kId, now());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(
        plan.error().message ==
        "the selector of job/shop/late chooses what is of sts/shop/db, too: while that is replaced, its pods would "
        "become the other one's, which deletes those that it has too many; it was not deleted, its claims have grown");
    at.sets.erase("db");  // it was deleted already: it is made anew, whoever has come
    ExpandRecord made = record();
    made.swapped["db"] = swapped_json(set(), {});
    CHECK(plan_round(Stage::kSwap, made, at, kId, now()).ok());
}

TEST_CASE("what does not fit beside the annotations that a claim has already is not begun either") {
    ExpandFacts made;
    facts(made);
    made.sets[0]["spec"]["template"]["metadata"]["annotations"]["notes"] = std::string(150 * 1024, 'x');
    made.claims["data-db-0"]["metadata"]["annotations"]["more"] = std::string(100 * 1024, 'y');
    CHECK(check_traces(made, choose(options(), made)->record, kId).ok());
    made.claims["data-db-0"]["metadata"]["annotations"]["more"] = std::string(110 * 1024, 'y');
    const Status refused = check_traces(made, choose(options(), made)->record, kId);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message ==
          "pvc/shop/data-db-0 has annotations of 110 KiB, and the 151 KiB from which its workload would be made again "
          "if the journal were lost do not fit beside them; nothing was changed");
}
