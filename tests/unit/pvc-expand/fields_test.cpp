// Who owns which field of the StatefulSet that was made anew.
#include "plugins/pvc-expand/rounds.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

Json owns(const char* manager, const char* operation, const Json& fields) {
    return {{"manager", manager}, {"operation", operation}, {"apiVersion", "apps/v1"}, {"fieldsV1", fields}};
}

Json fields_given_back(const ExpandRecord& made, const ExpandState& at) {
    const plan::Plan plan = planned(Stage::kAdopt, made, at);
    const auto* patch = std::get_if<plan::Patch>(&plan.steps.back().action);
    REQUIRE(patch != nullptr);
    for (const Json& one : patch->body) {
        if (one["path"] == "/metadata/managedFields") return one["value"];
    }
    return Json::array();
}

}  // namespace

TEST_CASE("whoever owned the claim retention policy, which we set aside meanwhile, owns it again, and we own nothing") {
    const Json policy = {{"f:persistentVolumeClaimRetentionPolicy", {{"f:whenDeleted", Json::object()}}}};
    Json all = policy;
    all["f:replicas"] = Json::object();
    ExpandRecord made = record();
    Json before = set();
    made.sets[0].manifest["metadata"]["managedFields"] =
        Json::array({owns("flux", "Apply", {{"f:spec", all}}), owns("edit", "Update", {{"f:spec", policy}})});
    // Flux has the rest, and the other's entry, which had nothing else, is gone.
    before["metadata"]["managedFields"] =
        Json::array({owns("flux", "Apply", {{"f:spec", {{"f:replicas", Json::object()}}}}),
                     owns("kubectl-pvc-expand", "Update",
                          {{"f:metadata", {{"f:annotations", Json::object()}}}, {"f:spec", policy}})});
    made.swapped["db"] = swapped_json(before, {pod(0), pod(1)});
    ExpandState at = grown_state();
    at.sets["db"] = remade();
    at.sets["db"]["metadata"].erase("managedFields");
    Json given = fields_given_back(made, at);
    REQUIRE(given.size() == 2);
    CHECK(given[0]["fieldsV1"]["f:spec"]["f:persistentVolumeClaimRetentionPolicy"] ==
          policy["f:persistentVolumeClaimRetentionPolicy"]);
    CHECK(given[0]["fieldsV1"]["f:spec"].contains("f:replicas"));
    CHECK(given[1] == owns("edit", "Update", {{"f:spec", policy}}));
    // Somebody has set the policy after us.
    made.swapped["db"]["set"]["metadata"]["managedFields"] =
        Json::array({owns("other", "Update", {{"f:spec", policy}}),
                     owns("kubectl-pvc-expand", "Update", {{"f:metadata", {{"f:annotations", Json::object()}}}})});
    given = fields_given_back(made, at);
    REQUIRE(given.size() == 1);
    CHECK(given[0]["manager"] == "other");
}
