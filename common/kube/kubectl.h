// The user's kubectl as a child: exec and port-forward go through it, because it speaks the streaming protocols of
// every API server and proxy that the user has (reference: kubectl's own plugins do likewise). It is given the same
// files, context, namespace and impersonation as we use; secrets that came by flag go into a kubeconfig in
// memory, never into argv or onto a disk.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"
#include "common/os/environment.h"
#include "common/os/files.h"
#include "common/os/subprocess.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

class Kubectl {
  public:
    // $KUBECTL_PATH (kubectl sets it for plugins from 1.37), else the first kubectl in PATH. Makes the kubeconfig in
    // memory if there must be one. kNotFound: there is no kubectl, with what to do; errors of files as they are.
    static Result<Kubectl> create(const kubeconfig::ClientConfig& config, const Environment& environment);

    // kubectl with the connection's flags and then these words. No request is made here.
    Command command(const std::vector<std::string>& words) const;

  private:
    Kubectl(std::vector<std::string> prefix, std::optional<MemoryFile> file)
        : prefix_(std::move(prefix)), file_(std::move(file)) {}
    std::vector<std::string> prefix_;
    std::optional<MemoryFile> file_;  // the kubeconfig for the children, where they need one of their own
};

// kubectl's stderr as an error of ours. NotFound, Forbidden, Unauthorized and connection errors have their kind;
// anything else is kUnavailable. Pure; the text is escaped and cut to its last lines.
Error kubectl_error(const std::string& what, const std::string& stderr_text);

// The last lines of a text in one line, escaped, at most about 400 bytes: what an error message quotes. Pure.
std::string last_lines(const std::string& text);

}  // namespace holdfast::kube
