// From argv to what is to be run. parse.cpp is the only file that includes CLI11. Pure: nothing is printed, nothing
// read.
#pragma once

#include "common/app/command.h"
#include "common/app/context.h"
#include "common/kubeconfig/client_config.h"

#include <string>
#include <vector>

namespace holdfast::app {

struct Invocation {
    enum class Kind { kHelp, kVersion, kRun } kind = Kind::kRun;
    const Command* command = nullptr;  // of the plugin given; null: the plugin itself (its help)
    Arguments arguments;
    CommonFlags common;
    kubeconfig::ConnectionFlags connection;
};

// words: argv without argv[0]. Errors: kUsage (exit 2) and, for targets that a safety rule refuses, kRefused.
// `command` of a failed parse, for the "See ... -h" line, is what meant() says.
Result<Invocation> parse(const Plugin& plugin, const std::vector<std::string>& words);

// The command that the words mean, as far as it can be told; nullptr: none. Used by help, errors and completion.
const Command* meant(const Plugin& plugin, const std::vector<std::string>& words);
const Command* find_command(const Plugin& plugin, const std::string& name);
// Every option of every command, each name once.
std::vector<Option> union_of_options(const Plugin& plugin);

}  // namespace holdfast::app
