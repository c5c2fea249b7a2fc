#include "plugins/snap/plugin.h"

#include "plugins/snap/commands.h"

#include <utility>

namespace holdfast::snap {

app::Plugin make_plugin() {
    app::Plugin plugin;
    plugin.name = "snap";
    plugin.summary = "Snapshot the volumes of a workload as one set, and see what can be restored";
    plugin.description =
        "A set holds one VolumeSnapshot for each claim of a workload, and what is needed to restore it later: "
        "ordinals,\n"
        "images, sizes, what the database said of itself. Each snapshot is crash-consistent by itself: like a disk "
        "after a\n"
        "power cut. It lives on the same storage as its volume, so it is no backup.";
    plugin.examples = {
        {"Snapshot every claim of a StatefulSet", "kubectl snap sts/postgres"},
        {"The same under a name, waiting until it can be restored",
         "kubectl snap create sts/postgres --name before-migration --wait ready"},
        {"See what there is, and whether a restore of it was ever proven", "kubectl snap list"},
    };
    plugin.commands.push_back(create_command());
    plugin.commands.push_back(list_command());
    plugin.commands.push_back(describe_command());
    plugin.commands.push_back(delete_command());
    plugin.commands.push_back(protect_command());
    plugin.default_command = "create";
    app::add_common_commands(plugin);
    return plugin;
}

app::Option text_option(std::string name, std::string value_name, std::string help, app::Completes completes) {
    app::Option option;
    option.name = std::move(name);
    option.value_name = std::move(value_name);
    option.help = std::move(help);
    option.completes = completes;
    return option;
}

app::Option list_option(std::string name, std::string value_name, std::string help) {
    app::Option option = text_option(std::move(name), std::move(value_name), std::move(help));
    option.kind = app::Option::Kind::kList;
    return option;
}

app::Option flag_option(std::string name, std::string help) {
    app::Option option = text_option(std::move(name), "", std::move(help));
    option.kind = app::Option::Kind::kFlag;
    return option;
}

app::Option choice_option(std::string name, std::vector<std::string> choices, std::string default_value,
                          std::string help) {
    app::Option option = text_option(std::move(name), "", std::move(help), app::Completes::kChoices);
    for (const std::string& choice : choices) option.value_name += (option.value_name.empty() ? "" : "|") + choice;
    option.choices = std::move(choices);
    option.default_value = std::move(default_value);
    return option;
}

app::Option short_named(app::Option option, char short_name) {
    option.short_name = short_name;
    return option;
}

app::Rule rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when) {
    app::Rule made;
    made.verbs = std::move(verbs);
    made.resource = resource;
    made.when = std::move(when);
    return made;
}

app::Rule cluster_rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when) {
    app::Rule made = rule(std::move(verbs), resource, std::move(when));
    made.cluster_scope = true;
    return made;
}

}  // namespace holdfast::snap
