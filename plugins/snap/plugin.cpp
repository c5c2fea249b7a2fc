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

}  // namespace holdfast::snap
