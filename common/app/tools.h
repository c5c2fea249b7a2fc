// What executes steps inside pods: the user's kubectl for commands and port-forwards, the plugin's SQL runner.
#pragma once

#include "common/app/session.h"
#include "common/kube/kubectl.h"
#include "common/kube/pod_exec.h"
#include "common/kube/port_forward.h"
#include "common/plan/actors.h"

#include <memory>

namespace holdfast::app {

class Tools {
  public:
    // kNotFound: no kubectl anywhere. No request is made.
    static Result<std::unique_ptr<Tools>> create(const Plugin& plugin, const kubeconfig::ClientConfig& config,
                                                 const Process& process);

    Tools(const Plugin& plugin, kube::Kubectl kubectl, const Process& process);
    Tools(const Tools&) = delete;
    Tools& operator=(const Tools&) = delete;

    plan::PodRunner* pods() { return &pods_; }
    plan::SqlRunner* sql() { return sql_.get(); }  // null: the plugin has none
    plan::Attendant* attendant() { return &forwards_; }

  private:
    kube::Kubectl kubectl_;
    kube::KubectlPodRunner pods_;
    kube::PortForwarder forwards_;
    std::unique_ptr<plan::SqlRunner> sql_;
};

// The diagnosis behind "why does nothing move": one line for the object, "" if nothing is known.
plan::Explain explain_by(kube::ClusterReader& reader);

}  // namespace holdfast::app
