#include "common/kubeconfig/flatten.h"

#include "common/core/text.h"

namespace holdfast::kubeconfig {
namespace {

Status flatten_field(std::string& path, std::string& data, const std::string& subject, const char* field,
                     const ReadFile& read) {
    if (path.empty()) return {};
    if (!data.empty()) {
        return Error{ErrorKind::kInvalid, subject + ": " + field + " and " + field + "-data are both specified", "", 0,
                     ""};
    }
    auto content = read(path);
    if (!content.ok()) {
        return Error{ErrorKind::kInvalid, subject + ": unable to read " + field + " " + content.error().message, "", 0,
                     ""};
    }
    data = std::move(*content);
    path.clear();
    return {};
}

}  // namespace

Status flatten(RawCluster& cluster, const std::string& name, const ReadFile& read) {
    return flatten_field(cluster.certificate_authority, cluster.certificate_authority_data,
                         "cluster \"" + escape_line(name) + "\"", "certificate-authority", read);
}

Status flatten(RawUser& user, const std::string& name, const ReadFile& read) {
    const std::string subject = "user \"" + escape_line(name) + "\"";
    TRY(flatten_field(user.client_certificate, user.client_certificate_data, subject, "client-certificate", read));
    return flatten_field(user.client_key, user.client_key_data, subject, "client-key", read);
}

Status flatten(RawConfig& config, const ReadFile& read) {
    for (auto& [name, user] : config.users) TRY(flatten(user, name, read));
    for (auto& [name, cluster] : config.clusters) TRY(flatten(cluster, name, read));
    return {};
}

}  // namespace holdfast::kubeconfig
