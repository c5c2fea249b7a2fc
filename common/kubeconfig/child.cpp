#include "common/kubeconfig/assemble.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/yaml.h"

namespace holdfast::kubeconfig {
namespace {

bool given(const std::optional<std::string>& flag) { return flag && !flag->empty(); }

}  // namespace

bool flags_hold_secrets(const ConnectionFlags& flags) {
    return given(flags.token) || given(flags.username) || given(flags.password);
}

std::vector<std::string> child_arguments(const ConnectionFlags& flags, const std::string& working_directory) {
    std::vector<std::string> arguments;
    const auto add = [&](const char* name, const std::optional<std::string>& value) {
        if (given(value)) arguments.push_back(std::string(name) + "=" + *value);
    };
    const auto add_path = [&](const char* name, const std::optional<std::string>& value) {
        if (given(value)) arguments.push_back(std::string(name) + "=" + join_path(working_directory, *value));
    };
    add_path("--kubeconfig", flags.kubeconfig);
    add("--context", flags.context);
    add("--cluster", flags.cluster);
    add("--user", flags.user);
    add("--server", flags.server);
    add("--tls-server-name", flags.tls_server_name);
    add_path("--certificate-authority", flags.certificate_authority);
    add_path("--client-certificate", flags.client_certificate);
    add_path("--client-key", flags.client_key);
    add("--as", flags.as);
    add("--as-uid", flags.as_uid);
    for (const std::string& group : flags.as_groups) arguments.push_back("--as-group=" + group);
    for (const std::string& extra : flags.as_user_extra) arguments.push_back("--as-user-extra=" + extra);
    if (flags.insecure_skip_tls_verify) arguments.push_back("--insecure-skip-tls-verify=true");
    if (flags.disable_compression) arguments.push_back("--disable-compression=true");
    return arguments;
}

std::string child_kubeconfig(const Selection& selection) {
    RawConfig config;
    config.current_context = selection.context_exists ? selection.context_name : "holdfast";
    RawContext context = selection.context;
    context.cluster = selection.cluster_name.empty() ? "holdfast" : selection.cluster_name;
    context.user = selection.user_name.empty() ? "holdfast" : selection.user_name;
    config.clusters[context.cluster] = selection.cluster;
    config.users[context.user] = selection.user;
    config.contexts[config.current_context] = std::move(context);
    return write_yaml(encode_config(config));
}

}  // namespace holdfast::kubeconfig
