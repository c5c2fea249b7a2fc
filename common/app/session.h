// One run of a plugin: the Context that handlers see, and what only app itself may have: a cluster that can be written
// to, kubectl and SQL for the executor. Everything is made at its first use.
#pragma once

#include "common/app/context.h"
#include "common/app/parse.h"
#include "common/kube/connect.h"
#include "common/plan/executor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::app {

// What a session works on instead of connecting by kubeconfig: tests put a cluster here. Null: there is none.
struct StandIns {
    kube::Cluster& cluster;
    plan::PodRunner* pods;
    plan::SqlRunner* sql;
    plan::Attendant* attendant;
    std::string space;
    plan::Self self = plan::this_process();
    const plan::OtherCluster* other = nullptr;  // null: there is none to be connected to
};

// The process around a run; all of it outlives the session.
struct Process {
    const Environment& environment;
    Console& console;
    Clock& clock;
    const Signals& signals;
    const StandIns* stand_ins = nullptr;
};

// A plugin's command line without argv[0], from parsing to the exit code. Never ends the process.
int run_words(const Plugin& plugin, const std::vector<std::string>& words, const Process& process);

// kubectl, port-forwards and SQL: tools.cpp.
class Tools;
// Colours and counts the server's warnings: warnings.h.
class WarningConsole;

class Session : public Context {
  public:
    Session(const Plugin& plugin, const Invocation& invocation, const Process& process);
    ~Session() override;

    const Plugin& plugin() const override { return plugin_; }
    const CommonFlags& flags() const override { return flags_; }
    const Environment& environment() const override { return process_.environment; }
    Console& console() override { return process_.console; }
    Clock& clock() override { return process_.clock; }
    const Signals& signals() const override { return process_.signals; }
    plan::Self self() const override;
    Result<const kubeconfig::ClientConfig*> config() override;
    Result<std::string> space() override;
    Result<kube::ClusterReader*> reader() override;
    Result<plan::PodRunner*> pod_runner() override;
    Result<kube::ClusterReader*> connect_other(const std::string& kubeconfig, const std::string& context) override;
    // Null: this command works on one cluster.
    kube::ClusterReader* other() const;
    int fail(const Error& error) override;
    void print_structured(const Json& value) override;

    // Where a resumed operation lives, instead of --namespace.
    void use_space(const std::string& space) { space_ = space; }
    Result<kube::Cluster*> cluster();
    // Everything that executes: `witness` must outlive it. Steps in pods find kubectl missing only when they run.
    Result<plan::World> world(plan::Witness& witness);
    bool color_on_stderr() const;
    bool color_on_stdout() const override;
    const Command* command() const { return command_; }
    int warnings() const;  // how many the server has sent

  private:
    // A second cluster by its own context.
    struct Other {
        std::unique_ptr<kube::Connector> connector;
        std::unique_ptr<kube::Cluster> cluster;
        std::unique_ptr<Tools> tools;
    };

    bool color(bool terminal) const;
    Result<std::unique_ptr<kube::Cluster>> connect(const kubeconfig::ClientConfig& config,
                                                   std::unique_ptr<kube::Connector>& connector);
    std::optional<plan::OtherCluster> other_of_world() const;

    const Plugin& plugin_;
    const Command* command_;
    CommonFlags flags_;
    kubeconfig::ConnectionFlags connection_;
    Process process_;
    std::optional<kubeconfig::ClientConfig> config_;
    std::optional<std::string> space_;
    std::unique_ptr<WarningConsole> warnings_;
    std::unique_ptr<kube::Connector> connector_;
    std::unique_ptr<kube::Cluster> cluster_;
    std::unique_ptr<Tools> tools_;
    std::unique_ptr<Other> other_;
    bool has_other_ = false;
};

}  // namespace holdfast::app
