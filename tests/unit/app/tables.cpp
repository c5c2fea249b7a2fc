#include "tests/unit/app/tables.h"

#include "common/app/flags.h"
#include "common/app/parse.h"
#include "common/plan/operation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::app::tables {

namespace {

// Another plugin named kubectl-snap gives -f and -a a destructive meaning.
void check_options(const Command& command) {
    std::set<std::string> names;
    std::map<char, std::string> shorts;
    for (const auto& option : all_options(command)) {
        CAPTURE(option.name);
        CHECK(option.short_name != 'f');
        CHECK(option.short_name != 'a');
        CHECK(names.insert(option.name).second);
        if (option.short_name != 0) CHECK(shorts.emplace(option.short_name, option.name).second);
        CHECK_FALSE(option.help.empty());
        CHECK(option.help.back() != '.');
        CHECK(option.name.find('_') == std::string::npos);
        if (!option.choices.empty() && !option.default_value.empty()) {
            CHECK(std::find(option.choices.begin(), option.choices.end(), option.default_value) !=
                  option.choices.end());
        }
        if (option.kind == Option::Kind::kOptionalText) CHECK_FALSE(option.bare_value.empty());
    }
    for (const auto& [a, b] : command.exclusive) {
        CHECK(names.count(a) == 1);
        CHECK(names.count(b) == 1);
    }
}

void check_command(const Plugin& plugin, const Command& command) {
    CAPTURE(command.name);
    check_options(command);
    CHECK_FALSE(command.summary.empty());
    CHECK(command.summary.back() != '.');
    CHECK((command.read != nullptr) + (command.operation != nullptr) + (command.act != nullptr) == 1);
    CHECK(command.positionals_min <= command.positionals_max);
    if (command.hidden) return;
    CHECK_FALSE(command.examples.empty());
    for (const auto& example : command.examples) {
        CAPTURE(example.command);
        CHECK(example.command.find("kubectl ") != std::string::npos);
        CHECK(example.command.find("$ ") != 0);
    }
    if (command.operation) CHECK_FALSE(command.rules.empty());
    (void)plugin;
}

}  // namespace

void check(const Plugin& plugin) {
    std::set<std::string> names;
    std::map<std::string, Option::Kind> kinds;
    for (const auto& command : plugin.commands) {
        check_command(plugin, command);
        CHECK(names.insert(command.name).second);
        // One name is one kind of flag in all commands: which word is the command must be clear before it is known.
        for (const auto& option : all_options(command)) {
            CAPTURE(command.name);
            CAPTURE(option.name);
            CHECK(kinds.emplace(option.name, option.kind).first->second == option.kind);
        }
    }
    if (!plugin.default_command.empty()) CHECK(find_command(plugin, plugin.default_command) != nullptr);
}

}  // namespace holdfast::app::tables

TEST_CASE("neither -f nor -a exists among the flags that all commands have") {
    holdfast::app::Command every;
    every.operation = [](holdfast::app::Context&, const holdfast::app::Arguments&)
        -> holdfast::Result<std::unique_ptr<holdfast::plan::Operation>> { return holdfast::Error{}; };
    every.outputs = {"table", "json"};
    for (const auto& option : holdfast::app::all_options(every)) {
        CHECK(option.short_name != 'f');
        CHECK(option.short_name != 'a');
    }
}
