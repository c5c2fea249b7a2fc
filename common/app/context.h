// What a command handler is given: the world, behind interfaces, and the flags common to all commands.
#pragma once

#include "common/app/command.h"
#include "common/kube/cluster.h"
#include "common/kubeconfig/client_config.h"
#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/os/environment.h"
#include "common/os/signals.h"

#include <chrono>
#include <memory>
#include <string>

namespace holdfast::plan {
class PodRunner;
class SqlRunner;
struct Self;
}  // namespace holdfast::plan

namespace holdfast::app {

// The behaviour flags of every command (commands.md, "Behaviour flags").
struct CommonFlags {
    enum class DryRun { kNone, kClient, kServer } dry_run = DryRun::kNone;
    bool yes = false;
    std::chrono::milliseconds timeout{600000};  // without progress
    std::string output = "table";               // table | wide | json | yaml | name
    std::string color = "auto";
    std::string progress = "auto";
    int verbosity = 0;
    bool warnings_as_errors = false;
};

class Context {
  public:
    virtual ~Context() = default;
    virtual const Plugin& plugin() const = 0;
    virtual const CommonFlags& flags() const = 0;
    virtual const Environment& environment() const = 0;
    virtual Console& console() = 0;
    virtual Clock& clock() = 0;
    virtual const Signals& signals() const = 0;
    // Who this process is to others who work on the same cluster.
    virtual plan::Self self() const = 0;
    // Loaded at the first call, then the same.
    virtual Result<const kubeconfig::ClientConfig*> config() = 0;
    // The namespace in force; an error if kubeconfig cannot be read.
    virtual Result<std::string> space() = 0;
    // Connected at the first call. Handlers get no way to write: operations return plans.
    virtual Result<kube::ClusterReader*> reader() = 0;
    virtual Result<plan::PodRunner*> pod_runner() = 0;
    // The second cluster of an operation that works on two: what its plans' steps of Site::kThere act on, too, from
    // then on. Both as in kubectl's --context and --kubeconfig; "" : as for the first one. kUsage: there is no such
    // context, or it is of the first one's server. No request is made.
    virtual Result<kube::ClusterReader*> connect_other(const std::string& kubeconfig, const std::string& context) = 0;
    // Prints "error: ..." (kubectl's sentences for API errors), the hint, and returns the exit code.
    virtual int fail(const Error& error) = 0;
    // --color, NO_COLOR and whether stdout is a terminal.
    virtual bool color_on_stdout() const = 0;
    // Prints a value as -o json or yaml; managedFields are dropped.
    virtual void print_structured(const Json& value) = 0;
};

}  // namespace holdfast::app
