// Facts of a StatefulSet with two Postgres pods, from tests/golden/snap/facts.json, for tests that change one of them.
#pragma once

#include "common/app/command.h"
#include "common/copies/live_facts.h"
#include "plugins/snap/create_options.h"
#include "plugins/snap/create_plan.h"
#include "plugins/snap/shared.h"
#include "tests/golden/golden.h"

#include <nlohmann/json.hpp>

namespace holdfast::snap::testing {

inline Json base_facts() { return Json::parse(golden::read("snap/facts.json")); }

inline app::Arguments words(std::vector<std::string> positionals,
                            std::map<std::string, std::vector<std::string>> values = {}) {
    app::Arguments arguments;
    arguments.positionals = std::move(positionals);
    arguments.values = std::move(values);
    return arguments;
}

inline Result<CreateOptions> options_of(std::vector<std::string> positionals,
                                        std::map<std::string, std::vector<std::string>> values = {}) {
    return parse_create(words(std::move(positionals), std::move(values)), std::chrono::minutes(10));
}

inline plan::Input first_round() {
    plan::Input input;
    input.operation = "snap-postgres-abcde";
    input.now = *parse_time("2026-11-21T04:30:00Z");
    return input;
}

// The first round of `snap create sts/postgres --name first`, with further flags, on changed facts.
inline Result<CutPlan> cut(const Json& facts, std::map<std::string, std::vector<std::string>> values = {}) {
    values.try_emplace("name", std::vector<std::string>{"first"});
    auto options = options_of({"sts/postgres"}, std::move(values));
    if (!options.ok()) return options.error();
    return plan_cut(live_facts_from_json(facts), *options, first_round());
}

}  // namespace holdfast::snap::testing
