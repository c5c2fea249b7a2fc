#include "common/app/rbac.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/app/parse.h"
#include "common/core/text.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace holdfast::app {

namespace {

// What makes one entry under `rules:`.
struct Key {
    bool cluster = false;
    std::string group, resource, name;
    friend auto operator<=>(const Key&, const Key&) = default;
};

struct Entry {
    std::vector<std::string> verbs;                      // in kubectl's usual order
    std::map<std::string, std::vector<std::string>> by;  // "create, with --pre" -> verbs
};

using Entries = std::map<Key, Entry>;

const std::vector<std::string>& verb_order() {
    static const std::vector<std::string> order = {"get",    "list",  "watch",  "create",
                                                   "update", "patch", "delete", "deletecollection"};
    return order;
}

void add_verb(std::vector<std::string>& verbs, const std::string& verb) {
    if (std::find(verbs.begin(), verbs.end(), verb) != verbs.end()) return;
    verbs.push_back(verb);
    const auto rank = [](const std::string& v) {
        return std::find(verb_order().begin(), verb_order().end(), v) - verb_order().begin();
    };
    std::stable_sort(verbs.begin(), verbs.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

void add_rule(Entries& entries, const std::string& who, const Rule& rule) {
    const Key key{rule.cluster_scope || !rule.resource.namespaced, rule.resource.group,
                  rule.resource.plural + (rule.subresource.empty() ? "" : "/" + rule.subresource), rule.name};
    Entry& entry = entries[key];
    for (const auto& verb : rule.verbs) {
        add_verb(entry.verbs, verb);
        add_verb(entry.by[rule.when.empty() ? who : who + " with " + rule.when], verb);
    }
}

std::vector<Rule> rules_of(const Command& command) {
    std::vector<Rule> rules = command.rules;
    if (command.operation) {
        const auto more = operation_rules();
        rules.insert(rules.end(), more.begin(), more.end());
    }
    return rules;
}

Entries entries_of(const Plugin& plugin, const RbacOptions& options) {
    Entries entries;
    for (const auto& command : plugin.commands) {
        const bool wanted = options.commands.empty() || std::find(options.commands.begin(), options.commands.end(),
                                                                  command.name) != options.commands.end();
        if (!wanted) continue;
        for (const auto& rule : rules_of(command)) {
            if (!options.minimal || rule.when.empty()) add_rule(entries, command.name, rule);
        }
    }
    return entries;
}

std::string quoted_list(const std::vector<std::string>& words) {
    std::string out = "[";
    for (const auto& word : words) out += (out.size() > 1 ? ", \"" : "\"") + word + "\"";
    return out + "]";
}

std::string entry_text(const Key& key, const Entry& entry) {
    std::string out;
    for (const auto& [who, verbs] : entry.by) out += "# " + who + ": " + join(verbs, ", ") + "\n";
    out += "- apiGroups: " + quoted_list({key.group}) + "\n  resources: " + quoted_list({key.resource}) + "\n";
    if (!key.name.empty()) out += "  resourceNames: " + quoted_list({key.name}) + "\n";
    return out + "  verbs: " + quoted_list(entry.verbs) + "\n";
}

std::string role_text(const Plugin& plugin, const RbacOptions& options, const Entries& entries, bool cluster) {
    std::string rules;
    for (const auto& [key, entry] : entries) {
        if (key.cluster == cluster) rules += entry_text(key, entry);
    }
    if (rules.empty()) return "";
    std::string out = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ";
    out += cluster ? "ClusterRole\n" : "Role\n";
    out += "metadata:\n  name: kubectl-" + plugin.name + "\n";
    if (!cluster) out += "  namespace: " + options.space + "\n";
    return out + "rules:\n" + rules;
}

std::string binding_hint(const Plugin& plugin, const RbacOptions& options, const Entries& entries) {
    const std::string name = "kubectl-" + plugin.name;
    std::string out = "# Bind them to who runs the commands:\n";
    const auto any = [&](bool cluster) {
        return std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return e.first.cluster == cluster; });
    };
    if (any(false)) {
        out += "#   kubectl create rolebinding " + name + " --role=" + name + " --user=NAME -n " + options.space + "\n";
    }
    if (any(true)) out += "#   kubectl create clusterrolebinding " + name + " --clusterrole=" + name + " --user=NAME\n";
    return out;
}

int run_rbac(Context& context, const Arguments& arguments) {
    RbacOptions options;
    options.commands = arguments.positionals;
    options.minimal = arguments.flag("minimal");
    // The namespace is a convenience here: a machine without kubeconfig can still print the roles.
    options.space = context.space().value_or("default");
    const auto text = rbac_yaml(context.plugin(), options);
    if (!text.ok()) return context.fail(text.error());
    context.console().out(*text);
    return kDone;
}

}  // namespace

std::vector<Rule> operation_rules() {
    return {{{"get", "list", "create", "update", "delete"}, kube::kConfigMaps, "", "", false, ""},
            {{"get", "create", "update", "delete"}, kube::kLeases, "", "", false, ""},
            {{"create"}, kube::kEvents, "", "", false, ""}};
}

Result<std::string> rbac_yaml(const Plugin& plugin, const RbacOptions& options) {
    for (const auto& name : options.commands) {
        if (find_command(plugin, name) != nullptr) continue;
        std::vector<std::string> names;
        for (const auto& command : plugin.commands) names.push_back(command.name);
        const auto near = nearest(name, names);
        return Error{ErrorKind::kUsage, "unknown command \"" + escape_line(name) + "\"",
                     near.empty() ? "" : "did you mean " + join(near, " or ") + "?"};
    }
    const Entries entries = entries_of(plugin, options);
    const std::string what = options.commands.empty() ? "every command" : join(options.commands, ", ");
    std::string out =
        "# What kubectl " + plugin.name + " needs for " + what + ". Above each rule: which command needs which verb.\n";
    if (entries.empty()) return out + "# Nothing: no request is made.\n";
    out += role_text(plugin, options, entries, false) + role_text(plugin, options, entries, true);
    return out + binding_hint(plugin, options, entries);
}

Command rbac_command() {
    Command command;
    command.name = "rbac";
    command.summary = "Print the least roles that the commands need";
    command.description =
        "Prints a Role and a ClusterRole with exactly the permissions that the commands use, each rule with the "
        "commands that need it. "
        "Nothing is sent to a cluster. Every command checks its permissions before its first write.";
    command.usage = "[COMMAND...] [flags]";
    command.positionals_max = 100;
    Option minimal;
    minimal.name = "minimal";
    minimal.kind = Option::Kind::kFlag;
    minimal.help = "leave out what only some flags need";
    command.options = {minimal};
    command.examples = {
        {"What somebody needs who may do everything", "kubectl snap rbac -n bookstore | kubectl apply -f -"},
        {"What somebody needs who may only look", "kubectl snap rbac list describe"}};
    command.read = run_rbac;
    return command;
}

}  // namespace holdfast::app
