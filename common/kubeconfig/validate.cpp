#include "common/kubeconfig/validate.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kubeconfig/proxy.h"

namespace holdfast::kubeconfig {
namespace {

using Problems = std::vector<std::string>;

std::string quote(const std::string& name) { return "\"" + escape_line(name) + "\""; }

void check_cluster(const RawCluster& cluster, const std::string& name, Problems& problems) {
    const std::string subject = "cluster " + quote(name) + ": ";
    if (!cluster.proxy_url.empty()) {
        const auto proxy = check_proxy(cluster.proxy_url);
        if (!proxy.ok()) problems.push_back(subject + "proxy-url: " + proxy.error().message);
    }
    const bool file = !cluster.certificate_authority.empty(), data = !cluster.certificate_authority_data.empty();
    if (file && data)
        problems.push_back(subject + "certificate-authority and certificate-authority-data are both specified");
    if ((file || data) && cluster.insecure) {
        problems.push_back(subject + "a certificate authority and insecure-skip-tls-verify are both specified");
    }
}

void check_certificate(const RawUser& user, const std::string& subject, Problems& problems) {
    const bool key = !user.client_key.empty() || !user.client_key_data.empty();
    if (user.client_certificate.empty() && user.client_certificate_data.empty()) return;
    if (!user.client_certificate.empty() && !user.client_certificate_data.empty()) {
        problems.push_back(subject + "client-certificate and client-certificate-data are both specified");
    }
    if (!user.client_key.empty() && !user.client_key_data.empty()) {
        problems.push_back(subject + "client-key and client-key-data are both specified");
    }
    if (!key)
        problems.push_back(subject + "client-key or client-key-data must be specified to use the client certificate");
}

void check_exec(const RawUser& user, const std::string& subject, Problems& problems) {
    const RawExec& exec = *user.exec;
    if (user.auth_provider) problems.push_back(subject + "auth-provider cannot be combined with an exec plugin");
    if (exec.command.empty()) problems.push_back(subject + "exec.command must be specified");
    if (exec.api_version.empty()) {
        problems.push_back(subject + "exec.apiVersion must be specified");
    } else if (exec.api_version != "client.authentication.k8s.io/v1" &&
               exec.api_version != "client.authentication.k8s.io/v1beta1") {
        problems.push_back(subject + "exec.apiVersion " + quote(exec.api_version) +
                           " is not client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1");
    }
    for (const auto& [name, value] : exec.env) {
        if (name.empty()) problems.push_back(subject + "a variable of exec.env has no name");
    }
    if (exec.interactive_mode.empty()) {
        problems.push_back(subject + "exec.interactiveMode must be specified");
    } else if (exec.interactive_mode != "Never" && exec.interactive_mode != "IfAvailable" &&
               exec.interactive_mode != "Always") {
        problems.push_back(subject + "exec.interactiveMode " + quote(exec.interactive_mode) +
                           " is not Never, IfAvailable or Always");
    }
}

void check_user(const RawUser& user, const std::string& name, Problems& problems) {
    const std::string subject = "user " + quote(name) + ": ";
    if (!user.token.empty() && (!user.username.empty() || !user.password.empty())) {
        problems.push_back(subject + "more than one authentication method: token and username/password");
    }
    check_certificate(user, subject, problems);
    if (user.exec) check_exec(user, subject, problems);
    if (user.as.empty() && (!user.as_uid.empty() || !user.as_groups.empty() || !user.as_extra.empty())) {
        problems.push_back(subject + "as-uid, as-groups or as-user-extra without as: whom to impersonate is missing");
    }
}

}  // namespace

Status validate(const Selection& selection) {
    Problems problems;
    if (!selection.context_name.empty() && !selection.context_exists) {
        problems.push_back("context was not found for specified context: " + escape_line(selection.context_name));
    }
    check_user(selection.user, selection.user_name, problems);
    check_cluster(selection.cluster, selection.cluster_name, problems);
    if (!selection.context.space.empty()) {
        const Status space = check_dns_label(selection.context.space, "namespace");
        if (!space.ok() && selection.space_from_flag) return space.error();
        if (!space.ok()) problems.push_back("context " + quote(selection.context_name) + ": " + space.error().message);
    }
    if (problems.empty()) return {};
    return Error{ErrorKind::kInvalid, "invalid configuration: " + join(problems, "; "), "", 0, ""};
}

}  // namespace holdfast::kubeconfig
