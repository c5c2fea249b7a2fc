#include "common/kubeconfig/in_cluster.h"

#include "common/core/text.h"

namespace holdfast::kubeconfig {

InClusterFiles find_in_cluster(const Environment& environment, const std::string& directory, const ReadFile& read) {
    InClusterFiles files;
    const std::string host = environment.get_or("KUBERNETES_SERVICE_HOST", "");
    const std::string port = environment.get_or("KUBERNETES_SERVICE_PORT", "");
    files.token_file = directory + "/token";
    if (host.empty() || port.empty() || !read(files.token_file).ok()) return files;
    files.possible = true;
    const bool v6 = host.find(':') != std::string::npos;
    files.server = "https://" + (v6 ? "[" + host + "]" : host) + ":" + port;
    if (read(directory + "/ca.crt").ok()) files.ca_file = directory + "/ca.crt";
    files.space = environment.get_or("POD_NAMESPACE", "");
    if (files.space.empty()) files.space = trim(read(directory + "/namespace").value_or(""));
    return files;
}

bool is_default(const Selection& selection, const std::string& default_server) {
    const RawCluster& cluster = selection.cluster;
    return cluster.server == default_server && cluster.proxy_url.empty();
}

void use_in_cluster(const InClusterFiles& files, Selection& selection) {
    RawCluster& cluster = selection.cluster;
    cluster.server = files.server;
    if (!cluster.insecure && cluster.certificate_authority.empty() && cluster.certificate_authority_data.empty()) {
        cluster.certificate_authority = files.ca_file;
    }
    RawUser& user = selection.user;
    const bool other = !user.token.empty() || !user.username.empty() || !user.client_certificate.empty() ||
                       !user.client_certificate_data.empty();
    if (!other) user.token_file = files.token_file;
}

}  // namespace holdfast::kubeconfig
