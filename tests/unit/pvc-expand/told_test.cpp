// A lost journal is made again of what claims tell, which whoever may edit claims can have written.
#include "plugins/pvc-expand/evidence.h"
#include "plugins/pvc-expand/expand.h"
#include "plugins/pvc-expand/traces.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

// Killed in the gap, and then somebody deleted the journal: claims and pods are there, the set is not.
struct Lost {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster{clock};
    Json trace;
    std::string mark = kId;

    Lost() {
        ExpandRecord told = record();
        told.line = {{"plugin", "pvc-expand"}, {"command", "expand"}, {"kind", "expand"}, {"target", "db"}};
        trace = trace_json(told, "db", kId);
        cluster.put(claim(0, "20Gi"));
        for (int i = 0; i < 2; ++i) {
            Json orphan = pod(i);
            orphan["metadata"].erase("ownerReferences");
            cluster.put(orphan);
        }
        cluster.put(revision(set()));
    }
    Result<std::vector<plan::Journal>> found(const std::string& on = "data-db-1") {
        Json marked = claim(1, "20Gi");
        marked["metadata"]["name"] = on;
        marked["metadata"]["labels"][labels::kExpanding] = mark;
        marked["metadata"]["annotations"][labels::kExpand] = trace.dump();
        cluster.put(marked);
        return unfinished_expansions(cluster, "shop");
    }
    Result<plan::Plan> plan() {
        const auto journals = found();
        REQUIRE(journals.ok());
        REQUIRE(journals->size() == 1);
        Expand operation{options(), clock, "", [](const ExpandFacts&) { return Result<Usage>(Usage()); }};
        plan::Input input;
        input.operation = kId;
        input.resuming = true;
        input.record = journals->front().record;
        return operation.plan(cluster, input);
    }
    Json& manifest() { return trace["sets"][0]["manifest"]; }
};

}  // namespace

TEST_CASE("a set of which only a claim tells is made anew when its last revision agrees, and not without a yes") {
    Lost at;
    const auto plan = at.plan();
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 1);
    CHECK(plan->steps[0].id == "remake-db");
    CHECK(plan->asks);
    CHECK(plan->asks_anew);
    REQUIRE(plan->notes.size() == 1);
    CHECK(plan->notes[0] ==
          "the journal was lost: sts/shop/db is made anew from an annotation of pvc/shop/data-db-1; it has left its "
          "pods, and no ControllerRevision that says otherwise");
}

TEST_CASE("a set that never ran so is not made, whatever an annotation says") {
    Lost at;
    at.manifest()["spec"]["template"]["spec"]["hostPID"] = true;
    const auto plan = at.plan();
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kConflict);
    CHECK(plan.error().message ==
          "sts/shop/db is not there, and only an annotation of pvc/shop/data-db-1 says what it was, which whoever may "
          "edit claims can have written: it has left no pods, or its last ControllerRevision has another pod template; "
          "it is not made anew");
    CHECK(plan.error().hint ==
          "if it is to be there, make it from its own manifest, then the same command again; what the claim says: "
          "kubectl get pvc data-db-1 -n shop -o yaml");
}

TEST_CASE("only the revisions that the set itself has left can say otherwise") {
    const Json manifest = set();
    Json other = set();
    other["spec"]["template"]["spec"]["hostPID"] = true;
    CHECK_FALSE(is_contradicted(manifest, {revision(manifest)}));
    CHECK(is_contradicted(manifest, {revision(other)}));
    Json owned = revision(other);
    owned["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "StatefulSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}});
    CHECK_FALSE(is_contradicted(manifest, {owned}));
    Json of_another = revision(other);
    for (const char* name : {"ledger-1", "db-web-1"}) {
        of_another["metadata"]["name"] = name;
        CHECK_FALSE(is_contradicted(manifest, {of_another}));
    }
}

TEST_CASE("one that was rolled out since the annotation was written is not taken back to what it was") {
    Json later = set();
    later["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 7;
    CHECK(is_contradicted(set(), {revision(set()), revision(later, 2)}));
    CHECK_FALSE(is_contradicted(later, {revision(set()), revision(later, 2)}));
}

TEST_CASE("what a claim tells counts only of itself, of the operation of its mark, and of its own set") {
    const auto tells = [](const auto& change) {
        Lost at;
        change(at);
        const auto journals = at.found();
        REQUIRE(journals.ok());
        return !journals->empty();
    };
    CHECK(tells([](Lost&) {}));
    CHECK_FALSE(tells([](Lost& at) { at.mark = "expand-evil-abcde"; }));
    CHECK_FALSE(tells([](Lost& at) { at.manifest()["metadata"]["name"] = "evil"; }));
    CHECK_FALSE(tells([](Lost& at) { at.trace["sets"][0]["name"] = "evil"; }));
    CHECK_FALSE(tells([](Lost& at) { at.manifest()["metadata"]["namespace"] = "kube-system"; }));
    CHECK_FALSE(tells([](Lost& at) { at.manifest()["kind"] = "DaemonSet"; }));
    CHECK_FALSE(tells([](Lost& at) { at.manifest()["spec"]["volumeClaimTemplates"] = Json::array(); }));
    Lost at;
    CHECK(at.found("files")->empty());
}
