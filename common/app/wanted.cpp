#include "common/app/complete.h"

#include "common/app/flags.h"
#include "common/app/parse.h"
#include "common/app/words.h"
#include "common/core/text.h"

#include <algorithm>

namespace holdfast::app {

namespace {

using Kind = Option::Kind;

bool takes_word(const Option& option) {
    return option.kind == Kind::kText || option.kind == Kind::kList || option.kind == Kind::kNumber;
}

const Option* find_long(const std::vector<Option>& table, const std::string& name) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Option& o) { return o.name == name; });
    return found == table.end() ? nullptr : &*found;
}

// The option whose value the next word would be: "--name", "-n", "-yn".
const Option* waiting_option(const std::vector<Option>& table, const std::string& word) {
    if (word.find('=') != std::string::npos || word.size() < 2 || word[0] != '-') return nullptr;
    const Option* option = nullptr;
    if (starts_with(word, "--")) {
        option = find_long(table, word.substr(2));
    } else {
        const auto found =
            std::find_if(table.begin(), table.end(), [&](const Option& o) { return o.short_name == word.back(); });
        if (found != table.end()) option = &*found;
    }
    return option != nullptr && takes_word(*option) ? option : nullptr;
}

Wanted value_of(const Option& option, const std::string& prefix, const std::string& partial) {
    Wanted wanted;
    wanted.prefix = prefix;
    wanted.partial = partial;
    wanted.choices = option.choices;
    if (option.kind == Kind::kFlag) wanted.choices = {"true", "false"};
    wanted.names = option.completes;
    wanted.directive = option.completes == Completes::kFile ? kDefault : kNoFile;
    return wanted;
}

Wanted flag_names(const std::vector<Option>& table, const std::string& partial) {
    Wanted wanted;
    for (const auto& option : table) {
        const std::string word = "--" + option.name;
        if (starts_with(word, partial)) wanted.words.push_back({word, option.help});
    }
    return wanted;
}

Wanted command_names(const Plugin& plugin, const std::string& partial) {
    Wanted wanted;
    for (const auto& command : plugin.commands) {
        if (!command.hidden && starts_with(command.name, partial))
            wanted.words.push_back({command.name, command.summary});
    }
    if (plugin.default_command.empty()) return wanted;
    const Command* by_default = find_command(plugin, plugin.default_command);
    if (by_default == nullptr || by_default->completes.empty()) return wanted;
    if (partial.find('/') != std::string::npos) {
        wanted.names = by_default->completes.front();
        // TYPE/ that only a flag makes meaningful: "sts/…" of "sts/postgres --in-place".
        for (const auto& [flag, name] : plugin.default_by_flag) {
            const Command* other = find_command(plugin, name);
            const bool claim = starts_with(partial, "pvc/") || starts_with(partial, "persistentvolumeclaim");
            if (other != nullptr && !claim && !other->completes.empty()) wanted.names = other->completes.front();
        }
        wanted.partial = partial;
    }
    return wanted;
}

Wanted positional(const Command& command, std::size_t index, const std::string& partial) {
    Wanted wanted;
    wanted.partial = partial;
    if (index >= command.positionals_max || command.completes.empty()) return wanted;
    wanted.names = command.completes[std::min(index, command.completes.size() - 1)];
    if (*wanted.names == Completes::kShell) wanted.choices = {"bash", "zsh", "fish", "kubectl"};
    if (*wanted.names == Completes::kFile) wanted.directive = kDefault;
    return wanted;
}

std::size_t positionals_before(const Plugin& plugin, const Command& command, const std::vector<std::string>& before) {
    const auto split = split_words(before, all_options(command), Strictness::kLenient);
    if (!split.ok()) return 0;
    const bool named = !split->positionals.empty() && find_command(plugin, split->positionals.front()) == &command;
    return split->positionals.size() - (named ? 1 : 0);
}

}  // namespace

Wanted wanted(const Plugin& plugin, const std::vector<std::string>& words) {
    const std::string partial = words.empty() ? "" : words.back();
    const std::vector<std::string> before(words.begin(), words.end() - (words.empty() ? 0 : 1));
    const Command* command = meant(plugin, before);
    const auto table = command == nullptr ? union_of_options(plugin) : all_options(*command);
    const bool only_positionals = std::find(before.begin(), before.end(), "--") != before.end();
    if (!only_positionals) {
        if (const Option* waiting = before.empty() ? nullptr : waiting_option(table, before.back()))
            return value_of(*waiting, "", partial);
        const auto equals = partial.find('=');
        if (starts_with(partial, "--") && equals != std::string::npos) {
            const Option* option = find_long(table, partial.substr(2, equals - 2));
            return option == nullptr ? Wanted{}
                                     : value_of(*option, partial.substr(0, equals + 1), partial.substr(equals + 1));
        }
        if (starts_with(partial, "-")) return flag_names(command == nullptr ? all_options(Command{}) : table, partial);
    }
    if (command == nullptr) return command_names(plugin, partial);
    return positional(*command, positionals_before(plugin, *command, before), partial);
}

}  // namespace holdfast::app
