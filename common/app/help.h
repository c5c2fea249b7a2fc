// Help texts in kubectl's order: summary, description, examples, options, usage, exit codes. Made of the tables alone;
// pure.
#pragma once

#include "common/app/command.h"

#include <string>

namespace holdfast::app {

std::string plugin_help(const Plugin& plugin);
std::string command_help(const Plugin& plugin, const Command& command);
// `kubectl snap options`: the flags that every command has.
std::string options_help(const Plugin& plugin);

}  // namespace holdfast::app
