// A plan that is made again once the lock is held, and what grew since the one that was shown.
#include "plugins/pvc-expand/less.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

// What is decided of sts/db when its claim 1 has become this.
struct Again {
    ExpandFacts made;
    ExpandRecord record;
    explicit Again(const Json& one, const char* size = "20Gi") {
        facts(made);
        made.claims["data-db-1"] = one;
        const auto choice = choose(options(size), made);
        REQUIRE(choice.ok());
        record = choice->record;
    }
    std::vector<std::string> grown() const { return grown_meanwhile(testing::growing::record(), record, made.claims); }
};

}  // namespace

TEST_CASE("a claim that has come to its size, or was asked for it, is all that a plan may lack") {
    const std::vector<std::string> it = {"pvc/shop/data-db-1"};
    CHECK(Again(claim(1, "20Gi")).grown() == it);
    CHECK(Again(claim(1, "21Gi", "21Gi")).grown() == it);
    CHECK(Again(claim(1, "20Gi", "10Gi")).grown() == it);  // it is waited for
    CHECK(Again(claim(1)).grown().empty());                // nothing is another
}

TEST_CASE("the last claim that grew by itself may be what carries the words about its workload") {
    ExpandFacts made;
    facts(made);
    for (const int ordinal : {0, 1}) made.claims["data-db-" + std::to_string(ordinal)] = claim(ordinal, "20Gi");
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 1);
    CHECK(choice->record.claims[0].bears_only);
    CHECK(grown_meanwhile(record(), choice->record, made.claims) ==
          std::vector<std::string>{"pvc/shop/data-db-1", "pvc/shop/data-db-0"});
}

TEST_CASE("whatever else has changed makes it another plan") {
    CHECK(Again(claim(1, "12Gi")).grown().empty());          // another size before
    CHECK(Again(claim(1, "21Gi", "10Gi")).grown().empty());  // it grows to another one
    CHECK(Again(claim(1, "20Gi"), "30Gi").grown().empty());  // as does all
    Json anew = claim(1, "20Gi");
    anew["metadata"]["uid"] = "another";
    CHECK(Again(anew).grown().empty());
    Again gone(claim(1, "20Gi"));
    gone.made.claims.erase("data-db-1");
    CHECK(gone.grown().empty());
    Again going(claim(1, "20Gi"));
    going.made.claims["data-db-1"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:12:11Z";
    CHECK(going.grown().empty());
    Again more(claim(1, "20Gi"));
    more.record.claims.push_back(more.record.claims.front());
    more.record.claims.back().claim = "data-db-2";
    CHECK(more.grown().empty());
    Again remade(claim(1, "20Gi"));
    remade.record.sets[0].uid = "another";
    CHECK(remade.grown().empty());
    Again resized(claim(1, "20Gi"));
    resized.record.sets[0].sizes["data"] = "30Gi";
    CHECK(resized.grown().empty());
    Again template_done(claim(1, "20Gi"));
    template_done.record.sets.clear();
    CHECK(template_done.grown().empty());
    Again stops(claim(1, "20Gi"));
    stops.record.stopped.emplace_back();
    CHECK(stops.grown().empty());
}
