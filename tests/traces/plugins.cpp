// The plugins that stories use, in the place of tests/crash/plugins.cpp, which brings the whole matrix with it.
#include "tests/crash/plugins.h"

#include "plugins/restore/plugin.h"
#include "plugins/snap/plugin.h"

namespace holdfast::crash {

app::Plugin plugin_of(const std::string& name) { return name == "snap" ? snap::make_plugin() : restore::make_plugin(); }

}  // namespace holdfast::crash
