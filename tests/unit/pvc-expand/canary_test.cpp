#include "common/core/text.h"
#include "plugins/pvc-expand/guards.h"
#include "plugins/pvc-expand/rounds.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

std::string told_with(const Choice& choice) { return join(choice.notes, "\n"); }

}  // namespace

TEST_CASE("the canaries are the highest ordinals") {
    ExpandFacts made;
    facts(made, 3);
    ExpandOptions wanted = options();
    wanted.canary = 1;
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    CHECK(choice->record.claims[0].canary);
    CHECK_FALSE(choice->record.claims[1].canary);
    const std::string later = rounds_in_words(choice->record).front();
    CHECK(later == "once those that come first have grown: grow pvc/shop/data-db-1 from 10Gi to 20Gi");
    wanted.canary = 0;
    CHECK(rounds_in_words(choose(wanted, made)->record).front().starts_with("once every claim has its capacity"));
}

TEST_CASE(
    "a claim that no pod mounts is no canary, since its filesystem would not grow; where there is no other it is "
    "said") {
    ExpandFacts made;
    facts(made, 3);
    made.sets[0]["spec"]["replicas"] = 2;
    made.pods.pop_back();  // data-db-2 is left of a replica that was scaled away
    ExpandOptions wanted = options();
    wanted.include_unused = true;
    wanted.canary = 1;
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 3);
    CHECK_FALSE(choice->record.claims[0].canary);  // data-db-2
    CHECK(choice->record.claims[1].canary);
    CHECK_FALSE(choice->record.claims[2].canary);
    CHECK(told_with(*choice).find("--canary") == std::string::npos);
    made.pods.clear();
    const auto none = choose(wanted, made);
    REQUIRE(none.ok());
    for (const Growth& growth : none->record.claims) CHECK_FALSE(growth.canary);
    CHECK(told_with(*none).find("--canary: no pod mounts a claim of sts/db: none of them would prove that filesystems "
                                "grow, so all of them grow at once") != std::string::npos);
}

TEST_CASE("claims of no StatefulSet count one by one") {
    ExpandFacts made;
    facts(made, 3);
    made.sets.clear();
    ExpandOptions wanted = options();
    wanted.target.reset();
    wanted.selector = "app=db";
    wanted.canary = 1;
    for (const auto& [name, claim] : made.claims) made.chosen.insert(name);
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    int canaries = 0;
    for (const Growth& growth : choice->record.claims) canaries += growth.canary ? 1 : 0;
    CHECK(canaries == 1);
}
