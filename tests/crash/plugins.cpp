#include "tests/crash/plugins.h"

#include "plugins/clone/plugin.h"
#include "plugins/pvc-expand/plugin.h"
#include "plugins/restore/plugin.h"
#include "plugins/snap/plugin.h"

#include <cstdio>
#include <cstdlib>

namespace holdfast::crash {

const std::vector<TestedPlugin>& plugins() {
    static const std::vector<TestedPlugin> kPlugins = {
        {snap::make_plugin, snap_entries},
        {restore::make_plugin, restore_entries},
        {clone::make_plugin, clone_entries},
        {expand::make_plugin, expand_entries},
    };
    return kPlugins;
}

app::Plugin plugin_of(const std::string& name) {
    for (const TestedPlugin& one : plugins()) {
        app::Plugin plugin = one.make();
        if (plugin.name == name) return plugin;
    }
    std::fprintf(stderr, "the matrix has no plugin %s\n", name.c_str());
    std::exit(2);
}

}  // namespace holdfast::crash
