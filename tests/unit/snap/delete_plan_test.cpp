#include "plugins/snap/delete_plan.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::snap;

namespace {

Standing set_of(const std::string& name, bool checked) {
    return {name, true, "StatefulSet/postgres", {"data-postgres-0"}, {name + "-data-postgres-0"}, true, checked};
}

Subject subject_named(const std::string& name, bool is_set) {
    Subject subject;
    subject.name.name = name;
    subject.name.is_set = is_set;
    return subject;
}

DeleteFacts facts_of(std::vector<Standing> standings, std::vector<Subject> subjects) {
    DeleteFacts facts;
    facts.space = "ns";
    facts.standings = std::move(standings);
    facts.subjects = std::move(subjects);
    return facts;
}

}  // namespace

TEST_CASE("delete: the last ready set of a workload is refused") {
    const auto plan = plan_delete(facts_of({set_of("a", false)}, {subject_named("a", true)}), {{"a"}}, false);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kRefused);
    CHECK(plan_delete(facts_of({set_of("a", false), set_of("b", false)}, {subject_named("a", true)}), {{"a"}}, false)
              .ok());
}

TEST_CASE("delete: a member of the last ready set is refused like the set itself") {
    const auto member = subject_named("a-data-postgres-0", false);
    const auto plan = plan_delete(facts_of({set_of("a", false)}, {member}), {{"vs/a-data-postgres-0"}}, false);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().kind == ErrorKind::kRefused);
    CHECK(plan.error().message.find("set/a needs it, which is the last one of StatefulSet/postgres") !=
          std::string::npos);
    CHECK(plan_delete(facts_of({set_of("a", false), set_of("b", false)}, {member}), {{"vs/a-data-postgres-0"}}, false)
              .ok());
    CHECK(plan_delete(facts_of({set_of("a", false)}, {member}), {{"vs/a-data-postgres-0"}, true}, false).ok());
}

TEST_CASE("delete: a member of one set and the other set together leave nothing, and are refused") {
    const auto facts = facts_of({set_of("a", false), set_of("b", false)},
                                {subject_named("a-data-postgres-0", false), subject_named("b", true)});
    CHECK_FALSE(plan_delete(facts, {{"vs/a-data-postgres-0", "b"}}, false).ok());
}

TEST_CASE("delete: a member of the only checked set is refused though another set is ready") {
    const auto plan = plan_delete(
        facts_of({set_of("a", true), set_of("b", false)}, {subject_named("a-data-postgres-0", false)}), {{"x"}}, false);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().message.find("whose restore was checked") != std::string::npos);
}
