// Running in a pod: its service account, where there is no other configuration. Pure but for `read`.
// Source: client-go rest/config.go (InClusterConfig), tools/clientcmd/merged_client_builder.go.
#pragma once

#include "common/kubeconfig/flatten.h"
#include "common/kubeconfig/select.h"
#include "common/os/environment.h"

#include <string>

namespace holdfast::kubeconfig {

struct InClusterFiles {
    bool possible = false;
    std::string server, token_file;
    std::string ca_file;  // "" : cannot be read, so the system's trust is used
    std::string space;    // POD_NAMESPACE, else the service account's, else ""
};

InClusterFiles find_in_cluster(const Environment& environment, const std::string& directory, const ReadFile& read);

// Is the selection no more than the default server? Then the pod's account is meant. Unlike client-go we do not let
// --as, --request-timeout or --certificate-authority turn the pod's account off.
bool is_default(const Selection& selection, const std::string& default_server);

// Flags stay in force: a token, a CA, insecure, impersonation.
void use_in_cluster(const InClusterFiles& files, Selection& selection);

}  // namespace holdfast::kubeconfig
