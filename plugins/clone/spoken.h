// What a command line says that it should not: it stands in the process list and the shell's history, and with the
// journal in a ConfigMap. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "plugins/clone/clone_options.h"

#include <set>
#include <string>

namespace holdfast::clone {

// Literal values of the manifest that look like secrets, by the rule of kube/objects/redact.h.
std::set<std::string> secrets_in(const Json& manifest);

// --set, then --env, in their order. kRefused: a value looks like a secret; the flag is named, the value never is.
Status take_from_line(const CloneOptions& options, Json& manifest);

}  // namespace holdfast::clone
