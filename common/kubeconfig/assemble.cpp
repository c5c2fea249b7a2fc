#include "common/kubeconfig/assemble.h"

#include "common/core/text.h"
#include "common/kubeconfig/oidc.h"
#include "common/kubeconfig/proxy.h"
#include "common/kubeconfig/server_url.h"
#include "common/kubeconfig/url.h"

#include <algorithm>

namespace holdfast::kubeconfig {
namespace {

bool has_credentials(const RawUser& user) {
    return !user.token.empty() || !user.token_file.empty() || !user.username.empty() || !user.password.empty() ||
           !user.client_certificate_data.empty() || user.exec || user.auth_provider;
}

bool flags_hold_credentials(const ConnectionFlags& flags) {
    return flags_hold_secrets(flags) || (flags.client_certificate && !flags.client_certificate->empty());
}

// Credentials go over https only. kubectl drops them silently; we do so only towards this machine (`kubectl proxy`),
// and refuse where somebody on the way could answer in the server's place.
Status drop_credentials(const ServerUrl& server, const ConnectionFlags& flags, Selection& selection,
                        ClientConfig& config) {
    RawUser& user = selection.user;
    if (server.https || !has_credentials(user)) return {};
    if (!is_loopback(server.host) || flags_hold_credentials(flags)) {
        return Error{ErrorKind::kRefused,
                     "refusing to use credentials over plain HTTP: the server is " + escape_line(server.text) +
                         ", and user \"" + escape_line(selection.user_name) + "\" has credentials; nothing was sent",
                     "write https:// in the server's URL, or choose a user without credentials by --user", 0, ""};
    }
    config.warnings.push_back("the server is " + escape_line(server.text) + ": the credentials of user \"" +
                              escape_line(selection.user_name) + "\" are not sent over plain HTTP");
    user.token.clear();
    user.token_file.clear();
    user.username.clear();
    user.password.clear();
    user.client_certificate_data.clear();
    user.client_key_data.clear();
    user.exec.reset();
    user.auth_provider.reset();
    return {};
}

Result<std::string> proxy_of(const RawCluster& cluster, const Environment& environment, const std::string& server) {
    if (!cluster.proxy_url.empty()) return check_proxy(cluster.proxy_url);
    TRY_ASSIGN(const std::string proxy, choose_proxy(proxy_environment(environment), server));
    if (proxy.empty()) return proxy;
    return check_proxy(proxy);
}

ExecPlugin exec_of(const RawExec& raw, const RawCluster& cluster) {
    ExecPlugin exec;
    exec.api_version = raw.api_version;
    exec.command = raw.command;
    exec.command_as_written = raw.command_as_written;
    exec.args = raw.args;
    exec.env = raw.env;
    exec.install_hint = escape_terminal(raw.install_hint);
    exec.provide_cluster_info = raw.provide_cluster_info;
    exec.interactive = raw.interactive_mode == "Never"    ? ExecPlugin::Interactive::kNever
                       : raw.interactive_mode == "Always" ? ExecPlugin::Interactive::kAlways
                                                          : ExecPlugin::Interactive::kIfAvailable;
    exec.proxy_url = cluster.proxy_url;
    const auto extension = cluster.extensions.find("client.authentication.k8s.io/exec");
    if (extension != cluster.extensions.end()) exec.cluster_extension = extension->second;
    return exec;
}

// A header may hold no control characters; curl would send them.
Status check_header_value(const std::string& value, const std::string& what) {
    const bool clean = std::all_of(value.begin(), value.end(),
                                   [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    if (clean) return {};
    return Error{ErrorKind::kInvalid, what + " has a line break or another control character", "", 0, ""};
}

Status set_identity(const Selection& selection, const ReadFile& read, SystemTime now, ClientConfig& config) {
    const RawUser& user = selection.user;
    const std::string subject = "user \"" + escape_line(selection.user_name) + "\"";
    if (!user.client_certificate_data.empty()) {  // a key alone identifies nobody
        config.client_cert_pem = user.client_certificate_data;
        config.client_key_pem = user.client_key_data;
    }
    config.username = user.username;
    config.password = user.password;
    config.token = user.token;
    config.token_file = user.token_file;
    if (user.token.empty() && !user.token_file.empty()) {
        const auto content = read(user.token_file);
        if (!content.ok()) return content.error().with_context(subject + ": unable to read tokenFile");
    }
    const bool basic = !user.username.empty() || !user.password.empty();
    const bool token = !user.token.empty() || !user.token_file.empty();
    if (user.auth_provider && !token && !basic) {
        TRY_ASSIGN(config.token, oidc_token(*user.auth_provider, now).context(subject));
    }
    if (user.exec && !token && !basic && config.client_cert_pem.empty())
        config.exec = exec_of(*user.exec, selection.cluster);
    TRY(check_header_value(config.token, subject + ": the token"));
    return check_header_value(config.username + config.password, subject + ": the user name or password");
}

Status set_impersonation(const RawUser& user, ClientConfig& config) {
    config.as = user.as;
    config.as_uid = user.as_uid;
    config.as_groups = user.as_groups;
    for (const auto& [key, values] : user.as_extra) {
        for (const std::string& value : values) config.as_extra.emplace_back(key, value);
    }
    std::string all = config.as + config.as_uid + join(config.as_groups, "");
    for (const auto& [key, value] : config.as_extra) all += value;
    return check_header_value(all, "whom to impersonate");
}

}  // namespace

Result<ClientConfig> assemble(Selection selection, const ConnectionFlags& flags, const Environment& environment,
                              const ReadFile& read, SystemTime now) {
    ClientConfig config;
    TRY_ASSIGN(
        const ServerUrl server,
        parse_server(selection.cluster.server).context("cluster \"" + escape_line(selection.cluster_name) + "\""));
    TRY(flatten(selection.cluster, selection.cluster_name, read));
    TRY(flatten(selection.user, selection.user_name, read));
    TRY(drop_credentials(server, flags, selection, config));
    config.server = server.text;
    if (server.https) {
        config.tls_server_name = selection.cluster.tls_server_name;
        config.insecure = selection.cluster.insecure;
        config.insecure_from_flag = flags.insecure_skip_tls_verify;
        config.ca_pem = selection.cluster.certificate_authority_data;
    }
    TRY_ASSIGN(config.proxy, proxy_of(selection.cluster, environment, config.server));
    config.disable_compression = selection.cluster.disable_compression;
    config.disable_http2 = !environment.get_or("DISABLE_HTTP2", "").empty();
    TRY_ASSIGN(config.request_timeout, parse_duration(flags.request_timeout, "--request-timeout"));
    TRY(set_identity(selection, read, now, config));
    TRY(set_impersonation(selection.user, config));
    config.space = selection.context.space.empty() ? "default" : selection.context.space;
    config.space_from_flag = selection.space_from_flag;
    config.context = selection.context_exists ? selection.context_name : "";
    return config;
}

}  // namespace holdfast::kubeconfig
