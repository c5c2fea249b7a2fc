#include "common/app/parse.h"

#include "common/app/check.h"
#include "common/app/flags.h"
#include "common/app/words.h"
#include "common/core/text.h"
#include "common/core/usage_error.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <set>

namespace holdfast::app {

namespace {

using Kind = Option::Kind;

// The words without the command's name, if it is the first positional (and not meant by default).
struct Chosen {
    const Command* command = nullptr;
    bool named = false;
};

Chosen choose(const Plugin& plugin, const Words& words) {
    const std::vector<std::string>& positionals = words.positionals;
    if (positionals.empty()) {
        const auto& options = words.options;
        const bool instead =
            !plugin.default_by_option.empty() &&
            std::find(options.begin(), options.end(), "--" + plugin.default_by_option) != options.end();
        return {instead ? find_command(plugin, plugin.default_command) : nullptr, false};
    }
    if (const Command* command = find_command(plugin, positionals.front())) return {command, true};
    if (plugin.default_command.empty() || positionals.front().find('/') == std::string::npos) return {};
    for (const auto& [flag, command] : plugin.default_by_flag) {
        for (std::size_t i = 0; i + 1 < words.options.size(); i += 2) {
            if (words.options[i] == "--" + flag && words.options[i + 1] == "true")
                return {find_command(plugin, command), false};
        }
    }
    return {find_command(plugin, plugin.default_command), false};
}

Error unknown_command(const Plugin& plugin, const std::string& word) {
    std::vector<std::string> names;
    for (const auto& command : plugin.commands) {
        if (!command.hidden) names.push_back(command.name);
    }
    const auto near = nearest(word, names);
    std::string hint = near.empty() ? "" : "did you mean " + join(near, " or ") + "?";
    if (near.empty() && !plugin.default_command.empty()) {
        hint = "a target is written TYPE/NAME, for example sts/" + (word.empty() ? "NAME" : escape_line(word));
    }
    return usage_error("unknown command \"" + escape_line(word) + "\" for \"kubectl " + plugin.name + "\"", hint);
}

// What CLI11 says, in kubectl's words.
Error from_cli11(const CLI::ParseError& error) { return usage_error(escape_line(to_lower(error.what()))); }

Status check_choice(const Option& option, const std::string& value) {
    if (option.choices.empty()) return {};
    if (std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end()) return {};
    const std::string shown = "\"" + escape_line(value) + "\"";
    if (option.name == "output") {
        auto formats = option.choices;
        std::sort(formats.begin(), formats.end());
        return usage_error("unable to match a printer suitable for the output format " + shown +
                           ", allowed formats are: " + join(formats, ","));
    }
    return usage_error("invalid value " + shown + " for --" + option.name + ": must be one of " +
                       join(option.choices, ", "));
}

Status check_number(const Option& option, const std::string& value) {
    const bool digits =
        !value.empty() && value.size() < 10 && value.find_first_not_of("0123456789") == std::string::npos;
    if (option.kind != Kind::kNumber || digits) return {};
    return usage_error("invalid argument \"" + escape_line(value) + "\" for \"--" + option.name +
                       "\" flag: must be a whole number");
}

// One flat CLI11 application holds those options of the chosen command that occur: it compares each with all others.
Result<Arguments> parse_options(const std::vector<Option>& table, const std::vector<std::string>& words) {
    Arguments arguments;
    std::map<std::string, std::vector<std::string>> values;
    CLI::App app;
    app.set_help_flag();
    const auto occurs = [&](const Option& option) {
        return std::find(words.begin(), words.end(), "--" + option.name) != words.end();
    };
    for (const auto& option : table) {
        arguments.defaults[option.name] = option.default_value;
        if (!occurs(option)) continue;
        // Vector options would swallow the words that follow, and split "[a,b]".
        app.add_option("--" + option.name, values[option.name])->take_all()->allow_extra_args(false);
    }
    try {
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError& error) {
        return from_cli11(error);
    }
    for (const auto& option : table) {
        if (!occurs(option) || app.count("--" + option.name) == 0) continue;
        for (const auto& value : values[option.name]) {
            TRY(check_choice(option, value));
            TRY(check_number(option, value));
        }
        arguments.values[option.name] = values[option.name];
    }
    return arguments;
}

Status check_count(const Plugin& plugin, const Command& command, std::size_t count) {
    if (count >= command.positionals_min && count <= command.positionals_max) return {};
    const std::string line =
        "kubectl " + plugin.name + " " + command.name + (command.usage.empty() ? "" : " " + command.usage);
    if (count < command.positionals_min) return usage_error("an argument is missing: " + line);
    return usage_error("too many arguments (" + std::to_string(count) + "): " + line);
}

Result<Invocation> without_command(const Plugin& plugin, const Words& words) {
    if (words.wants_version) return Invocation{Invocation::Kind::kVersion, nullptr, {}, {}, {}};
    if (words.wants_help || (words.positionals.empty() && words.options.empty())) {
        return Invocation{Invocation::Kind::kHelp, nullptr, {}, {}, {}};
    }
    if (!words.positionals.empty()) return unknown_command(plugin, words.positionals.front());
    return usage_error("a command is missing: kubectl " + plugin.name + " COMMAND [flags]");
}

}  // namespace

const Command* find_command(const Plugin& plugin, const std::string& name) {
    const auto found =
        std::find_if(plugin.commands.begin(), plugin.commands.end(), [&](const Command& c) { return c.name == name; });
    return found == plugin.commands.end() ? nullptr : &*found;
}

std::vector<Option> union_of_options(const Plugin& plugin) {
    std::vector<Option> all = all_options(Command{});
    std::set<std::string> known;
    for (const auto& option : all) known.insert(option.name);
    const auto add = [&](const std::vector<Option>& more) {
        for (const auto& option : more) {
            if (known.insert(option.name).second) all.push_back(option);
        }
    };
    for (const auto& command : plugin.commands) {
        add(command.options);
        add(behaviour_options(command));
    }
    return all;
}

const Command* meant(const Plugin& plugin, const std::vector<std::string>& words) {
    const auto split = split_words(words, union_of_options(plugin), Strictness::kLenient);
    return split.ok() ? choose(plugin, *split).command : nullptr;
}

Result<Invocation> parse(const Plugin& plugin, const std::vector<std::string>& words) {
    TRY_ASSIGN(const Words rough, split_words(words, union_of_options(plugin), Strictness::kLenient));
    const Chosen chosen = choose(plugin, rough);
    if (chosen.command == nullptr) {
        if (rough.positionals.empty()) TRY(split_words(words, union_of_options(plugin), Strictness::kStrict));
        return without_command(plugin, rough);
    }
    const Command& command = *chosen.command;
    if (rough.wants_help) return Invocation{Invocation::Kind::kHelp, &command, {}, {}, {}};
    if (rough.wants_version) return Invocation{Invocation::Kind::kVersion, &command, {}, {}, {}};

    const auto table = all_options(command);
    TRY_ASSIGN(Words exact, split_words(words, table, Strictness::kStrict));
    if (chosen.named && !exact.positionals.empty()) exact.positionals.erase(exact.positionals.begin());
    Invocation invocation;
    invocation.command = &command;
    TRY_ASSIGN(invocation.arguments, parse_options(table, exact.options));
    invocation.arguments.positionals = std::move(exact.positionals);
    TRY(check_count(plugin, command, invocation.arguments.positionals.size()));
    TRY(check_exclusive(command, invocation.arguments));
    TRY(check_names(command, invocation.arguments));
    TRY_ASSIGN(invocation.common, common_flags(invocation.arguments));
    invocation.connection = connection_flags(invocation.arguments);
    return invocation;
}

}  // namespace holdfast::app
