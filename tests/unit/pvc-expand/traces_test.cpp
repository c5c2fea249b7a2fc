// A lost journal is made again from what the claims tell.
#include "plugins/pvc-expand/traces.h"
#include "tests/unit/pvc-expand/scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

struct Told {
    holdfast::testing::FakeClock clock;
    holdfast::testing::FakeCluster cluster{clock};

    // Of an operation that calls itself `operation` in what the claim tells.
    explicit Told(const std::string& operation = kId) {
        Json bearer = claim(1, "20Gi");
        bearer["metadata"]["labels"][labels::kExpanding] = kId;
        ExpandRecord told = record();
        told.line = {{"plugin", "pvc-expand"}, {"command", "expand"}, {"kind", "expand"}, {"target", "db"}};
        bearer["metadata"]["annotations"][labels::kExpand] = trace_json(told, "db", operation).dump();
        cluster.put(bearer);
        cluster.put(claim(0, "20Gi"));
    }
    std::vector<plan::Journal> journals() {
        const auto found = unfinished_expansions(cluster, "shop");
        REQUIRE(found.ok());
        return *found;
    }
    bool makes_it_anew() {
        const auto found = journals();
        REQUIRE(found.size() == 1);
        return record_of(found[0].record, "shop")->swapped.contains("db");
    }
};

Json orphan(int ordinal) {
    Json made = pod(ordinal);
    made["metadata"].erase("ownerReferences");
    return made;
}

}  // namespace

TEST_CASE("a set that is gone is made anew from what a claim tells only where its pods were left behind") {
    Told deleted_by_us;
    deleted_by_us.cluster.put(orphan(0));
    CHECK(deleted_by_us.makes_it_anew());
    Told going;  // the garbage collector has not come to the pods yet
    going.cluster.put(pod(0));
    CHECK(going.makes_it_anew());
    Told decommissioned;
    CHECK_FALSE(decommissioned.makes_it_anew());
    Told forged;  // a pod of that name that has nothing of the set's
    Json other = orphan(0);
    other["spec"].erase("volumes");
    forged.cluster.put(other);
    CHECK_FALSE(forged.makes_it_anew());
    Told drained;  // its last pod has ended since, and nobody made it again
    drained.cluster.put(revision(set()));
    CHECK(drained.makes_it_anew());
    Told another;  // of set db-web
    another.cluster.put({{"apiVersion", "apps/v1"},
                         {"kind", "ControllerRevision"},
                         {"metadata", {{"name", "db-web-5d4f"}, {"namespace", "shop"}}}});
    CHECK_FALSE(another.makes_it_anew());
    Told disguised;  // a DaemonSet's, whose uid is in what the claim tells
    disguised.cluster.put(
        {{"apiVersion", "apps/v1"},
         {"kind", "ControllerRevision"},
         {"metadata",
          {{"name", "db-5d4f"},
           {"namespace", "shop"},
           {"ownerReferences",
            Json::array({{{"kind", "DaemonSet"}, {"name", "db"}, {"uid", "uid-db"}, {"controller", true}}})}}}});
    CHECK_FALSE(disguised.makes_it_anew());
    Told owned;  // a living set's
    owned.cluster.put(pod(0, "uid-of-another"));
    CHECK_FALSE(owned.makes_it_anew());
}

TEST_CASE("what two claims tell of one set, since the first of them goes, is the same told once") {
    Told both;
    Json next = claim(0, "20Gi");
    next["metadata"]["labels"][labels::kExpanding] = kId;
    next["metadata"]["annotations"] =
        (*both.cluster.at({kube::kClaims, "shop", "data-db-1"}))["metadata"]["annotations"];
    both.cluster.drop({kube::kClaims, "shop", "data-db-0"});
    both.cluster.put(next);
    const auto found = both.journals();
    REQUIRE(found.size() == 1);
    const auto made = record_of(found[0].record, "shop");
    REQUIRE(made.ok());
    CHECK(made->claims.size() == 2);
    CHECK(made->sets.size() == 1);
    CHECK(made->untold == 0);
}

TEST_CASE("what tells of another operation than the claim is marked with is not believed") {
    Told copied("expand-db-other");
    CHECK(copied.journals().empty());
}
