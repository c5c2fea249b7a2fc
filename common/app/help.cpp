#include "common/app/help.h"

#include "common/app/exit_code.h"
#include "common/app/flags.h"
#include "common/core/text.h"
#include "common/view/wrap.h"

#include <algorithm>

namespace holdfast::app {

namespace {

constexpr std::size_t kColumns = 80;

std::string paragraphs(const std::string& text) {
    return text.empty() ? "" : view::indent_prose(text, 1, kColumns) + "\n\n";
}

std::string examples_text(const std::vector<Example>& examples) {
    if (examples.empty()) return "";
    std::string out = "Examples:\n";
    for (const auto& example : examples) {
        if (&example != &examples.front()) out += '\n';
        out += "  # " + example.comment + "\n  " + example.command + "\n";
    }
    return out + "\n";
}

// "-n, --namespace='':", as kubectl prints it.
std::string option_head(const Option& option) {
    std::string head = option.short_name == 0 ? "    --" : std::string("    -") + option.short_name + ", --";
    head += option.name;
    switch (option.kind) {
        case Option::Kind::kFlag:
            return head + "=" + (option.default_value.empty() ? "false" : option.default_value) + ":\n";
        case Option::Kind::kList:
            return head + "=[]:\n";
        case Option::Kind::kNumber:
            return head + "=" + (option.default_value.empty() ? "0" : option.default_value) + ":\n";
        case Option::Kind::kText:
        case Option::Kind::kOptionalText:
            break;
    }
    return head + "='" + option.default_value + "':\n";
}

std::string sentence(std::string text) {
    if (!text.empty()) text[0] = static_cast<char>(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
    if (!text.empty() && text.back() != '.') text += '.';
    return text;
}

// For lists, where every line begins alike: the plugins' summaries may begin either way.
std::string title(const std::string& text) {
    std::string out = sentence(text);
    out.pop_back();
    return out;
}

std::string option_text(const Option& option) {
    std::string help = sentence(option.help);
    if (!option.choices.empty()) help += " One of: (" + join(option.choices, ", ") + ").";
    if (option.kind == Option::Kind::kOptionalText) help += " The bare flag means " + option.bare_value + ".";
    if (option.kind == Option::Kind::kList && help.find("repeated") == std::string::npos) help += " May be repeated.";
    if (option.choices.empty() && !option.value_name.empty()) help = option.value_name + ": " + help;
    return option_head(option) + view::indent_wrapped(help, 8, kColumns) + "\n";
}

std::string options_text(std::vector<Option> options) {
    std::sort(options.begin(), options.end(), [](const Option& a, const Option& b) { return a.name < b.name; });
    std::string out;
    for (const auto& option : options) out += (out.empty() ? "" : "\n") + option_text(option);
    return out;
}

std::vector<Option> own_options(const Command& command) {
    std::vector<Option> options = command.options;
    for (const auto& option : behaviour_options(command)) {
        const auto same = [&](const Option& o) { return o.name == option.name; };
        if (std::none_of(options.begin(), options.end(), same)) options.push_back(option);
    }
    return options;
}

std::string more(const Plugin& plugin) {
    const std::string text =
        "Use \"kubectl " + plugin.name + " options\" for the connection flags, which every command has.";
    return view::indent_wrapped(text, 0, kColumns) + "\n";
}

std::string command_list(const Plugin& plugin) {
    std::size_t width = 0;
    for (const auto& command : plugin.commands) {
        if (!command.hidden) width = std::max(width, command.name.size());
    }
    std::string out = "Available Commands:\n";
    for (const auto& command : plugin.commands) {
        if (command.hidden) continue;
        const std::size_t indent = width + 5;
        const std::string name = "  " + command.name;
        out += name + view::indent_wrapped(title(command.summary), indent, kColumns).substr(name.size()) + "\n";
    }
    return out + "\n";
}

// What follows where the command's name is left out: "TYPE/SRC DST".
std::string short_form(const Plugin& plugin) {
    for (const auto& command : plugin.commands) {
        if (command.name == plugin.default_command && starts_with(command.usage, "TYPE/"))
            return command.usage.substr(0, command.usage.find(" [flags]"));
    }
    return "TYPE/NAME";
}

}  // namespace

std::string plugin_help(const Plugin& plugin) {
    const std::string name = "kubectl " + plugin.name;
    std::string out = view::indent_wrapped(sentence(plugin.summary), 0, kColumns) + "\n\n" +
                      paragraphs(plugin.description) + examples_text(plugin.examples);
    out += command_list(plugin);
    out += "Usage:\n  " + name + " COMMAND [flags] [options]\n";
    if (!plugin.default_command.empty()) {
        const std::string what = short_form(plugin);
        out += "  " + name + " " + what + " [flags]   (short for: " + plugin.default_command + " " + what + ")\n";
    }
    out += std::string("\n") + exit_code_help() + "\n";
    out += "Use \"" + name + " COMMAND --help\" for more about a command.\n";
    return out + more(plugin);
}

std::string command_help(const Plugin& plugin, const Command& command) {
    std::string out = view::indent_wrapped(sentence(command.summary), 0, kColumns) + "\n\n" +
                      paragraphs(command.description) + examples_text(command.examples);
    const auto options = own_options(command);
    if (!options.empty()) out += "Options:\n" + options_text(options) + "\n";
    out += "Usage:\n  kubectl " + plugin.name + " " + command.name;
    if (!command.usage.empty()) out += " " + command.usage;
    if (command.usage.find("[flags]") == std::string::npos) out += " [flags]";
    out += std::string(" [options]\n\n") + exit_code_help() + "\n";
    return out + more(plugin);
}

std::string options_help(const Plugin&) {
    return "The following options can be passed to any command:\n\n" + options_text(connection_options());
}

}  // namespace holdfast::app
