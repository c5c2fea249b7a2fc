#include "common/app/help.h"

#include "common/app/parse.h"
#include "tests/golden/golden.h"
#include "tests/unit/app/sample_plugin.h"
#include "tests/unit/app/tables.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::app;

TEST_CASE("help of a plugin, a command and the connection flags") {
    const Plugin plugin = sample::plugin();
    tables::check(plugin);
    golden::check("help/sample.txt", plugin_help(plugin));
    golden::check("help/sample-create.txt", command_help(plugin, *find_command(plugin, "create")));
    golden::check("help/sample-list.txt", command_help(plugin, *find_command(plugin, "list")));
    golden::check("help/options.txt", options_help(plugin));
}

TEST_CASE("no line of a help text is wider than 80 columns") {
    const Plugin plugin = sample::plugin();
    for (const auto& text :
         {plugin_help(plugin), command_help(plugin, plugin.commands.front()), options_help(plugin)}) {
        std::size_t begin = 0;
        for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
            CHECK(end - begin <= 80);
            begin = end + 1;
        }
    }
}
