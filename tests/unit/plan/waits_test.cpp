#include "common/plan/waits.h"

#include "common/kube/objects/workload.h"
#include "common/plan/observe.h"
#include "tests/golden/golden.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT

namespace {

// The resource of "pvc/NS/NAME", "pv/NAME".
const kube::Resource* resource_of(const std::string& object) {
    return kube::find_resource(object.substr(0, object.find('/')));
}

void check_step(const std::string& file, const Json& step) {
    const Json* verb = kube::find_at(step, "/action/verb");
    if (verb == nullptr || (*verb != "wait" && *verb != "delete")) return;
    const std::string object = kube::text_at(step, "/action/object");
    const kube::Resource* resource = resource_of(object);
    INFO(file << " " << kube::text_at(step, "/id") << " " << object);
    REQUIRE(resource != nullptr);
    const auto condition =
        *verb == "delete" ? Condition::kGone : condition_from(kube::text_at(step, "/action/condition"));
    REQUIRE(condition.has_value());
    CHECK(waiting(*resource, *condition) != nullptr);
}

}  // namespace

TEST_CASE("docs/waits.md is what the table of waits says") { golden::check("../../docs/waits.md", waits_page()); }

TEST_CASE("a row says who acts, what is seen and what holds when the time is up") {
    for (const Waiting& one : waits()) {
        INFO(one.resource->plural << " " << condition_name(one.condition));
        CHECK_FALSE(one.commands.empty());
        CHECK_FALSE(one.acts.empty());
        CHECK_FALSE(evidence_of(one.condition).empty());
        CHECK(one.otherwise.find("xit 5") != std::string::npos);
    }
}

// The plans of all commands, as their own tests keep them.
TEST_CASE("every wait of every plan under tests/golden has a row") {
    const std::filesystem::path folder = golden::folder();
    int plans = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        const std::string name = std::filesystem::relative(entry.path(), folder).string();
        const Json json = Json::parse(golden::read(name), nullptr, false);
        const Json* steps = kube::find_at(json, "/steps");
        if (steps == nullptr || !steps->is_array()) continue;
        ++plans;
        for (const Json& step : *steps) check_step(name, step);
    }
    CHECK(plans >= 10);
}
