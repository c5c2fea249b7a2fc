#include "common/app/help.h"
#include "common/app/rbac.h"
#include "plugins/clone/plugin.h"
#include "plugins/pvc-expand/plugin.h"
#include "plugins/restore/plugin.h"
#include "plugins/snap/plugin.h"
#include "tests/golden/golden.h"
#include "tests/unit/app/tables.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::app;

namespace {

void check_width(const std::string& text) {
    for (std::size_t begin = 0, end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        const std::string line = text.substr(begin, end - begin);
        CAPTURE(line);
        // Examples are pasted and not broken.
        CHECK((line.size() <= 80 || line.find("  kubectl ") == 0));
        begin = end + 1;
    }
}

// Its tables are sound, and every word that its users read is in a file that reviews see change.
void check_plugin(const Plugin& plugin) {
    tables::check(plugin);
    golden::check("help/" + plugin.name + ".txt", plugin_help(plugin));
    check_width(plugin_help(plugin));
    for (const auto& command : plugin.commands) {
        golden::check("help/" + plugin.name + "-" + command.name + ".txt", command_help(plugin, command));
        check_width(command_help(plugin, command));
    }
    golden::check("rbac/" + plugin.name + ".yaml", *rbac_yaml(plugin, {{}, false, "default"}));
}

}  // namespace

TEST_CASE("kubectl snap: tables, help, roles") { check_plugin(snap::make_plugin()); }

TEST_CASE("kubectl restore: tables, help, roles") { check_plugin(restore::make_plugin()); }

TEST_CASE("kubectl clone: tables, help, roles") { check_plugin(clone::make_plugin()); }

TEST_CASE("kubectl pvc-expand: tables, help, roles") { check_plugin(expand::make_plugin()); }
