// Commands in containers by `kubectl exec`: byte-clean without a terminal, and the remote exit code comes back.
#pragma once

#include "common/kube/kubectl.h"
#include "common/os/signals.h"
#include "common/plan/actors.h"

#include <memory>
#include <string>

namespace holdfast::kube {

class KubectlPodRunner : public plan::PodRunner {
  public:
    // Both must outlive the runner. The first signal lets a command go on (its end is a safe point), the second stops
    // it.
    KubectlPodRunner(const Kubectl& kubectl, const Signals& signals) : kubectl_(kubectl), signals_(signals) {}

    Result<std::string> run(const plan::Exec& exec, std::chrono::milliseconds timeout) override;
    Result<std::unique_ptr<plan::HeldExec>> hold(const plan::Exec& exec) override;

  private:
    const Kubectl& kubectl_;
    const Signals& signals_;
};

// The words after "kubectl" for an exec. Pure. stdin is passed on only for commands that are held: closing it ends
// them.
std::vector<std::string> exec_words(const plan::Exec& exec, bool with_input);

// The remote exit code if kubectl says that the command itself ended with one, nullopt if it was kubectl that failed.
// Pure.
std::optional<int> remote_exit_code(const std::string& stderr_text);

}  // namespace holdfast::kube
