// May this credential plugin run? Pure but for `find`. Source: client-go plugin/pkg/client/auth/exec/exec.go
// (checkAllowlistLocked).
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"

#include <functional>
#include <optional>
#include <string>

namespace holdfast::kubeconfig {

// Where a command would be found: a bare name in PATH, a path if something executable is there.
using FindProgram = std::function<std::optional<std::string>(const std::string& command)>;

// The program to run: what `find` gives for the command, so that what was checked is what runs. kUnauthorized: denied
// by the policy, or not there (the hint is the plugin's installHint).
Result<std::string> allowed_program(const ExecPlugin& plugin, const PluginPolicy& policy, const FindProgram& find);

// The real one, with PATH of `environment`.
FindProgram program_finder(const Environment& environment);

}  // namespace holdfast::kubeconfig
