#include "common/app/tools.h"

#include "common/diagnose/diagnose.h"

namespace holdfast::app {

Result<std::unique_ptr<Tools>> Tools::create(const Plugin& plugin, const kubeconfig::ClientConfig& config,
                                             const Process& process) {
    TRY_ASSIGN(auto kubectl, kube::Kubectl::create(config, process.environment));
    return std::make_unique<Tools>(plugin, std::move(kubectl), process);
}

Tools::Tools(const Plugin& plugin, kube::Kubectl kubectl, const Process& process)
    : kubectl_(std::move(kubectl)),
      pods_(kubectl_, process.signals),
      forwards_(kubectl_, process.clock, process.signals) {
    if (!plugin.sql) return;
    plan::LocalPorts ports;
    ports.get = [this](const plan::Sql& sql, std::chrono::milliseconds timeout) {
        return forwards_.local_port(sql.space, sql.pod, sql.port, timeout);
    };
    ports.drop = [this](const plan::Sql& sql) { forwards_.drop(sql.space, sql.pod, sql.port); };
    sql_ = plugin.sql(std::move(ports), process.clock, process.signals);
}

plan::Explain explain_by(kube::ClusterReader& reader) {
    return [&reader](const kube::ObjectRef& ref) -> std::string {
        if (ref.resource == kube::kClaims)
            return diagnose::headline(diagnose::explain_claim(reader, ref.space, ref.name));
        if (ref.resource == kube::kSnapshots)
            return diagnose::headline(diagnose::explain_snapshot(reader, ref.space, ref.name));
        if (ref.resource == kube::kPods) return diagnose::headline(diagnose::explain_pod(reader, ref.space, ref.name));
        return "";
    };
}

}  // namespace holdfast::app
