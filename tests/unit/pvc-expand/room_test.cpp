// Who else would take up what is of a StatefulSet, and whether there is room for what is written beside its claims.
#include "plugins/pvc-expand/guards.h"
#include "tests/unit/pvc-expand/scene.h"

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
