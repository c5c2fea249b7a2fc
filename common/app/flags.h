// The flags that every command has: kubectl's connection flags and our behaviour flags. Tables and their meaning; pure.
#pragma once

#include "common/app/command.h"
#include "common/app/context.h"
#include "common/kubeconfig/client_config.h"

#include <vector>

namespace holdfast::app {

// kubectl's (cli-runtime, pkg/genericclioptions/config_flags.go), with its help texts.
const std::vector<Option>& connection_options();
// What commands.md calls behaviour flags, as far as they mean something to `command`.
std::vector<Option> behaviour_options(const Command& command);
// All that `command` understands: its own, behaviour, connection, help and version.
std::vector<Option> all_options(const Command& command);

kubeconfig::ConnectionFlags connection_flags(const Arguments& arguments);
// kUsage: a --timeout out of range.
Result<CommonFlags> common_flags(const Arguments& arguments);

}  // namespace holdfast::app
