// Which claims a restore in place takes, and whether it was done before.
#include "common/kube/objects/labels.h"
#include "plugins/restore/in_place_plan.h"
#include "swap_scene.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using testing::in_place_facts;
using testing::in_place_options;

namespace {

Result<restore::InPlaceChoice> choose(const restore::InPlaceFacts& facts,
                                      const restore::InPlaceOptions& options = in_place_options()) {
    return restore::choose_in_place(options, facts, testing::kOperationId, testing::some_time());
}

// Deployment web, whose pod template mounts these claims, each in a volume of its own.
restore::InPlaceFacts deployment_facts(const std::vector<std::string>& claims) {
    auto facts = in_place_facts();
    facts.workload["kind"] = "Deployment";
    facts.workload["metadata"]["name"] = "web";
    facts.workload["spec"].erase("volumeClaimTemplates");
    Json volumes = Json::array();
    for (const std::string& claim : claims)
        volumes.push_back(
            {{"name", "v" + std::to_string(volumes.size())}, {"persistentVolumeClaim", {{"claimName", claim}}}});
    facts.workload["spec"]["template"]["spec"]["volumes"] = std::move(volumes);
    facts.pods.clear();
    return facts;
}

bool has_note(const restore::InPlaceChoice& choice, const std::string& note) {
    return std::find(choice.notes.begin(), choice.notes.end(), note) != choice.notes.end();
}

}  // namespace

TEST_CASE("a Deployment's claim that the set does not have is not left beside the restored ones in silence") {
    auto options = in_place_options();
    options.target = {kube::kDeployments, "shop", "web"};
    const auto facts = deployment_facts({"data-db-0", "index", "data-db-1"});
    const auto refused = choose(facts, options);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message == "set/nightly holds no snapshot of index; nothing was changed");
    CHECK(refused.error().hint ==
          "name a set that was made of deploy/shop/web, or choose with --claim which are restored: the others stay as "
          "they are");
    options.claims = {"data-db-1"};
    const auto chosen = choose(facts, options);
    REQUIRE(chosen.ok());
    REQUIRE(chosen->record.swaps.size() == 1);
    CHECK(chosen->record.swaps[0].claim == "data-db-1");
    CHECK(has_note(*chosen, "left as they are: data-db-0 (--claim NAME restores one too)"));
    CHECK(has_note(*chosen, "left as they are, since set/nightly holds no snapshot of them: index"));
}

TEST_CASE("a claim that a Deployment mounts twice is restored once") {
    auto options = in_place_options();
    options.target = {kube::kDeployments, "shop", "web"};
    const auto choice = choose(deployment_facts({"data-db-0", "data-db-0", "data-db-1"}), options);
    REQUIRE(choice.ok());
    CHECK(choice->record.swaps.size() == 2);
}

TEST_CASE("the plan names what a StatefulSet's pods mount by name and keep as it is") {
    auto facts = in_place_facts();
    facts.workload["spec"]["template"]["spec"]["volumes"] =
        Json::array({{{"name", "shared"}, {"persistentVolumeClaim", {{"claimName", "shared"}}}}});
    const auto choice = choose(facts);
    REQUIRE(choice.ok());
    CHECK(has_note(*choice, "left as they are, since set/nightly holds no snapshot of them: shared"));
    facts.source.members.push_back(testing::member(7));
    facts.source.members.back().facts.claim = "shared";
    facts.source.members.back().facts.ordinal = -1;
    const auto held = choose(facts);
    REQUIRE(held.ok());
    CHECK(has_note(*held, "left as they are: shared (--claim NAME restores one too)"));
}

namespace {

// Every claim is on a volume of set/nightly, and what was under claim i before is kept by operation by[i], which took
// out that many volumes.
restore::InPlaceFacts restored_facts(const std::vector<std::string>& by, int count) {
    auto facts = in_place_facts(static_cast<int>(by.size()));
    for (std::size_t i = 0; i < by.size(); ++i) {
        const std::string number = std::to_string(i);
        restore::SwapMark mark;
        mark.operation = by[i];
        mark.space = "shop";
        mark.claim = "data-db-" + number;
        mark.from = "set/nightly";
        mark.at = "2026-11-21T03:00:0" + number + "Z";
        mark.taken_out = true;
        mark.count = count;
        facts.claims[mark.claim]["metadata"]["annotations"][labels::kRestoredFrom] =
            restore::source_text(facts.source.members[i]);
        Json volume = testing::live_volume("kept-" + number, mark.claim, "uid-gone");
        volume["metadata"]["annotations"] = {{labels::kSwap, restore::mark_json(mark).dump()}};
        facts.kept.push_back(volume);
    }
    return facts;
}

void check_refused_again(const restore::InPlaceOptions& options, const restore::InPlaceFacts& facts,
                         const std::string& message) {
    const auto before = restore::restored_before(options, facts);
    REQUIRE_FALSE(before.ok());
    CHECK(before.error().kind == ErrorKind::kRefused);
    CHECK(before.error().message == message);
    CHECK(before.error().hint.find("--again") != std::string::npos);
}

}  // namespace

TEST_CASE("the same set, restored already and kept, is seen by its marks") {
    const auto options = in_place_options();
    CHECK(restore::restored_before(options, in_place_facts())->empty());
    auto facts = restored_facts({"in-place-db-older", "in-place-db-older"}, 2);
    CHECK(*restore::restored_before(options, facts) == "in-place-db-older");
    facts.kept.pop_back();
    CHECK(restore::restored_before(options, facts)->empty());
}

TEST_CASE("what was restored by other command lines, in parts or with others, is not taken for what is asked now") {
    auto options = in_place_options();
    check_refused_again(options, restored_facts({"in-place-db-aaaaa", "in-place-db-bbbbb"}, 1),
                        "data-db-0, data-db-1 were restored from set/nightly already, not all by one operation: "
                        "data-db-0 by in-place-db-aaaaa, data-db-1 by in-place-db-bbbbb; nothing was changed");
    options.ordinal = 1;
    check_refused_again(options, restored_facts({"in-place-db-aaaaa", "in-place-db-aaaaa"}, 2),
                        "data-db-1 was restored from set/nightly already, together with other claims, by "
                        "in-place-db-aaaaa; nothing was changed");
    CHECK(*restore::restored_before(options, restored_facts({"in-place-db-aaaaa", "in-place-db-bbbbb"}, 1)) ==
          "in-place-db-bbbbb");
}

TEST_CASE("of two operations that restored a claim from the same set the last one counts") {
    const auto options = in_place_options();
    auto facts = restored_facts({"in-place-db-first", "in-place-db-first"}, 2);
    auto again = restored_facts({"in-place-db-again", "in-place-db-again"}, 2);
    for (Json& volume : again.kept) {
        auto mark = *restore::mark_of(volume);
        mark.at = "2026-11-21T04:00:00Z";
        volume["metadata"]["annotations"][labels::kSwap] = restore::mark_json(mark).dump();
    }
    facts.kept.insert(facts.kept.begin(), again.kept.begin(), again.kept.end());
    CHECK(*restore::restored_before(options, facts) == "in-place-db-again");
}
