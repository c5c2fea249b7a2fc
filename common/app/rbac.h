// `rbac`: the least roles that a plugin's commands need, made of their Rule tables. Pure but for the printing.
#pragma once

#include "common/app/command.h"

#include <string>
#include <vector>

namespace holdfast::app {

struct RbacOptions {
    std::vector<std::string> commands;  // empty: all
    bool minimal = false;               // without what only some flags need
    std::string space = "default";
};

// YAML: a Role and, where something cluster-scoped is needed, a ClusterRole, with comments that name the commands.
// kUsage: no such command.
Result<std::string> rbac_yaml(const Plugin& plugin, const RbacOptions& options);

// What every operation needs: its journal, its Leases, and the Event of a stop.
std::vector<Rule> operation_rules();

Command rbac_command();

}  // namespace holdfast::app
