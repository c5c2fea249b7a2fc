// The plugins that the matrix runs.
#pragma once

#include "common/app/command.h"
#include "tests/crash/matrix.h"

#include <string>
#include <vector>

namespace holdfast::crash {

std::vector<Entry> snap_entries();
std::vector<Entry> restore_entries();
std::vector<Entry> clone_entries();
std::vector<Entry> expand_entries();
// Of the commands that every plugin has.
std::vector<Entry> common_entries();

struct TestedPlugin {
    app::Plugin (*make)();
    std::vector<Entry> (*entries)();
};
const std::vector<TestedPlugin>& plugins();
// Ends the program if there is none of that name.
app::Plugin plugin_of(const std::string& name);

}  // namespace holdfast::crash
