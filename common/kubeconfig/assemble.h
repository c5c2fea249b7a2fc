// A selection made into what a connection needs. Pure but for the files that `read` reads.
#pragma once

#include "common/core/duration.h"
#include "common/kubeconfig/client_config.h"
#include "common/kubeconfig/flatten.h"
#include "common/kubeconfig/select.h"

namespace holdfast::kubeconfig {

// REQUIRES: validate(selection) is ok. kRefused: credentials would go over plain HTTP.
Result<ClientConfig> assemble(Selection selection, const ConnectionFlags& flags, const Environment& environment,
                              const ReadFile& read, SystemTime now);

// child.cpp: what a kubectl that we start needs to be the same user on the same server.
// True if flags hold secrets, which must not stand in its argv.
bool flags_hold_secrets(const ConnectionFlags& flags);
std::vector<std::string> child_arguments(const ConnectionFlags& flags, const std::string& working_directory);
// REQUIRES: flattened.
std::string child_kubeconfig(const Selection& selection);

}  // namespace holdfast::kubeconfig
