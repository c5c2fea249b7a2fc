// The plugins that stories use, in the place of tests/crash/plugins.cpp, which brings the whole matrix with it.
#include "tests/crash/plugins.h"

#include "plugins/clone/plugin.h"
#include "plugins/pvc-expand/plugin.h"
#include "plugins/restore/plugin.h"
#include "plugins/snap/plugin.h"

namespace holdfast::crash {

app::Plugin plugin_of(const std::string& name) {
    if (name == "snap") return snap::make_plugin();
    if (name == "clone") return clone::make_plugin();
    return name == "pvc-expand" ? expand::make_plugin() : restore::make_plugin();
}

}  // namespace holdfast::crash
