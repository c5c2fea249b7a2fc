#include "common/kubeconfig/base64.h"
#include "common/kubeconfig/raw_config.h"

namespace holdfast::kubeconfig {
namespace {

void put(Json& object, const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
}
void put_bytes(Json& object, const char* name, const std::string& bytes) {
    if (!bytes.empty()) object[name] = encode_base64(bytes);
}
void put_flag(Json& object, const char* name, bool value) {
    if (value) object[name] = true;
}
void put_extensions(Json& object, const Extensions& extensions) {
    if (extensions.empty()) return;
    Json list = Json::array();
    for (const auto& [name, value] : extensions) list.push_back({{"name", name}, {"extension", value}});
    object["extensions"] = std::move(list);
}

Json encode_cluster(const RawCluster& cluster) {
    Json object = {{"server", cluster.server}};
    put(object, "tls-server-name", cluster.tls_server_name);
    put_flag(object, "insecure-skip-tls-verify", cluster.insecure);
    put(object, "certificate-authority", cluster.certificate_authority);
    put_bytes(object, "certificate-authority-data", cluster.certificate_authority_data);
    put(object, "proxy-url", cluster.proxy_url);
    put_flag(object, "disable-compression", cluster.disable_compression);
    put_extensions(object, cluster.extensions);
    return object;
}

Json encode_exec(const RawExec& exec) {
    Json object = {{"command", exec.command}};
    object["args"] = exec.has_args ? Json(exec.args) : Json(nullptr);
    Json env = Json::array();
    for (const auto& [name, value] : exec.env) env.push_back({{"name", name}, {"value", value}});
    object["env"] = exec.has_env ? std::move(env) : Json(nullptr);
    put(object, "apiVersion", exec.api_version);
    put(object, "installHint", exec.install_hint);
    object["provideClusterInfo"] = exec.provide_cluster_info;
    put(object, "interactiveMode", exec.interactive_mode);
    return object;
}

Json encode_user(const RawUser& user) {
    Json object = Json::object();
    put(object, "client-certificate", user.client_certificate);
    put_bytes(object, "client-certificate-data", user.client_certificate_data);
    put(object, "client-key", user.client_key);
    put_bytes(object, "client-key-data", user.client_key_data);
    put(object, "token", user.token);
    put(object, "tokenFile", user.token_file);
    put(object, "as", user.as);
    put(object, "as-uid", user.as_uid);
    if (!user.as_groups.empty()) object["as-groups"] = user.as_groups;
    for (const auto& [key, values] : user.as_extra) object["as-user-extra"][key] = values;
    put(object, "username", user.username);
    put(object, "password", user.password);
    if (user.auth_provider) {
        object["auth-provider"] = {{"name", user.auth_provider->name}, {"config", nullptr}};
        for (const auto& [key, value] : user.auth_provider->config) object["auth-provider"]["config"][key] = value;
    }
    if (user.exec) object["exec"] = encode_exec(*user.exec);
    put_extensions(object, user.extensions);
    return object;
}

Json encode_context(const RawContext& context) {
    Json object = {{"cluster", context.cluster}, {"user", context.user}};
    put(object, "namespace", context.space);
    put_extensions(object, context.extensions);
    return object;
}

// nullptr for an empty map, as Go prints a nil slice.
template <typename Value, typename Encode>
Json encode_named(const std::map<std::string, Value>& values, const char* field, Encode encode) {
    if (values.empty()) return nullptr;
    Json list = Json::array();
    for (const auto& [name, value] : values) list.push_back({{"name", name}, {field, encode(value)}});
    return list;
}

}  // namespace

Json encode_config(const RawConfig& config) {
    Json object = {{"apiVersion", "v1"}, {"kind", "Config"}};
    Json preferences = Json::object();
    put_flag(preferences, "colors", config.preferences_colors);
    put_extensions(preferences, config.preferences_extensions);
    if (!preferences.empty()) object["preferences"] = std::move(preferences);
    object["clusters"] = encode_named(config.clusters, "cluster", encode_cluster);
    object["users"] = encode_named(config.users, "user", encode_user);
    object["contexts"] = encode_named(config.contexts, "context", encode_context);
    object["current-context"] = config.current_context;
    put_extensions(object, config.extensions);
    return object;
}

}  // namespace holdfast::kubeconfig
