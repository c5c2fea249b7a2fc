#include "common/kubeconfig/select.h"

#include "common/core/text.h"
#include "common/kubeconfig/merge.h"

namespace holdfast::kubeconfig {
namespace {

void overlay(std::string& value, const std::optional<std::string>& flag) {
    if (flag && !flag->empty()) value = *flag;
}

template <typename Value>
Error unknown(const char* what, const char* flag, const std::string& name, const std::map<std::string, Value>& known) {
    std::vector<std::string> names;
    for (const auto& [key, value] : known) names.push_back(key);
    std::vector<std::string> close = nearest(name, names);
    std::string hint = names.empty()   ? "kubeconfig has none"
                       : close.empty() ? "kubeconfig has " + std::to_string(names.size()) + ": kubectl config view"
                                       : "did you mean " + join(close, ", ") + "?";
    return Error{ErrorKind::kUsage, std::string(what) + " \"" + escape_line(name) + "\" does not exist (" + flag + ")",
                 escape_line(hint), 0, ""};
}

// Finds an entry that is named by a flag, where it must exist, or by the context, where it need not.
template <typename Value>
Result<Value> find_entry(const std::map<std::string, Value>& entries, const std::string& name,
                         const std::optional<std::string>& flag, const char* what, const char* flag_name) {
    const auto found = entries.find(name);
    if (found != entries.end()) return found->second;
    if (flag && !flag->empty()) return unknown(what, flag_name, name, entries);
    return Value{};
}

void overlay_cluster(RawCluster& cluster, const ConnectionFlags& flags, const std::string& working_directory) {
    const bool has_server = flags.server && !flags.server->empty();
    const bool has_name = flags.tls_server_name && !flags.tls_server_name->empty();
    const bool has_ca = flags.certificate_authority && !flags.certificate_authority->empty();
    overlay(cluster.server, flags.server);
    if (flags.disable_compression) cluster.disable_compression = true;
    if (flags.insecure_skip_tls_verify || has_ca) {
        // One group: a CA of kubeconfig would contradict --insecure-skip-tls-verify, and the other way round.
        cluster.insecure = flags.insecure_skip_tls_verify;
        cluster.certificate_authority = has_ca ? join_path(working_directory, *flags.certificate_authority) : "";
        cluster.certificate_authority_data.clear();
    }
    // The name in kubeconfig belongs to kubeconfig's server.
    if (has_server || has_name) cluster.tls_server_name = has_name ? *flags.tls_server_name : "";
}

Status overlay_extra(RawUser& user, const ConnectionFlags& flags) {
    std::map<std::string, std::vector<std::string>> extra;
    for (const std::string& item : flags.as_user_extra) {
        const std::size_t equals = item.find('=');
        if (equals == std::string::npos || equals == 0) {
            return Error{ErrorKind::kUsage, "--as-user-extra takes key=value, not \"" + escape_line(item) + "\"", "", 0,
                         ""};
        }
        extra[item.substr(0, equals)].push_back(item.substr(equals + 1));
    }
    for (auto& [key, values] : extra) user.as_extra[key] = std::move(values);
    return {};
}

Status overlay_user(RawUser& user, const ConnectionFlags& flags, const std::string& working_directory) {
    if (flags.client_certificate && !flags.client_certificate->empty()) {
        user.client_certificate = join_path(working_directory, *flags.client_certificate);
        user.client_certificate_data.clear();
    }
    if (flags.client_key && !flags.client_key->empty()) {
        user.client_key = join_path(working_directory, *flags.client_key);
        user.client_key_data.clear();
    }
    if (flags.token && !flags.token->empty()) {
        user.token = *flags.token;
        user.token_file.clear();  // client-go lets the file win; who types a token means it
    }
    overlay(user.username, flags.username);
    overlay(user.password, flags.password);
    overlay(user.as, flags.as);
    overlay(user.as_uid, flags.as_uid);
    if (!flags.as_groups.empty()) user.as_groups = flags.as_groups;
    return overlay_extra(user, flags);
}

}  // namespace

std::string without_namespace_prefix(const std::string& text) {
    for (const std::string_view prefix : {"namespaces/", "namespace/", "ns/"}) {
        if (text.size() > prefix.size() && to_lower(text.substr(0, prefix.size())) == prefix)
            return text.substr(prefix.size());
    }
    return text;
}

Result<Selection> select(const RawConfig& config, const ConnectionFlags& flags, const std::string& default_server,
                         const std::string& working_directory) {
    Selection selection;
    selection.context_name = config.current_context;
    overlay(selection.context_name, flags.context);
    selection.context_exists = config.contexts.count(selection.context_name) != 0;
    TRY_ASSIGN(selection.context,
               find_entry(config.contexts, selection.context_name, flags.context, "context", flags.context_flag));
    overlay(selection.context.cluster, flags.cluster);
    overlay(selection.context.user, flags.user);
    if (flags.space && !flags.space->empty()) {
        selection.context.space = without_namespace_prefix(*flags.space);
        selection.space_from_flag = true;
    }
    selection.cluster_name = selection.context.cluster;
    selection.user_name = selection.context.user;
    TRY_ASSIGN(selection.cluster,
               find_entry(config.clusters, selection.cluster_name, flags.cluster, "cluster", "--cluster"));
    TRY_ASSIGN(selection.user, find_entry(config.users, selection.user_name, flags.user, "user", "--user"));
    if (selection.cluster.server.empty()) selection.cluster.server = default_server;
    overlay_cluster(selection.cluster, flags, working_directory);
    TRY(overlay_user(selection.user, flags, working_directory));
    selection.token_from_flag = flags.token && !flags.token->empty();
    return selection;
}

}  // namespace holdfast::kubeconfig
