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
    return [&reader](const kube::ObjectRef& ref) {
        diagnose::Why why = diagnose::why(reader, ref);
        plan::Explanation explanation(std::move(why.text));
        explanation.no_source = why.no_source;
        explanation.no_space = why.no_space;
        return explanation;
    };
}

}  // namespace holdfast::app
