#include "common/kubeconfig/exec_protocol.h"

#include "common/core/text.h"
#include "common/kubeconfig/base64.h"
#include "common/kubeconfig/yaml.h"

#include <algorithm>

namespace holdfast::kubeconfig {
namespace {

Error wrong(std::string message) { return Error{ErrorKind::kUnauthorized, std::move(message), "", 0, ""}; }

Json parse_output(std::string_view output) {
    constexpr int kDepthMax = 64;
    bool too_deep = false;
    const auto watch_depth = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kDepthMax;
        return !too_deep;
    };
    if (starts_with(trim(output), "{")) {
        Json reply = Json::parse(output, watch_depth, false);
        if (!too_deep && reply.is_object()) return reply;
    }
    auto reply = parse_yaml(output);  // client-go takes YAML too
    return reply.ok() ? std::move(*reply) : Json(nullptr);
}

// "" if absent or null; false: of another type.
bool text_field(const Json& object, const char* name, std::string& out) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return true;
    if (!found->is_string()) return false;
    out = found->get<std::string>();
    return true;
}

Result<PluginReply> parse_status(const Json& status) {
    PluginReply reply;
    std::string expires;
    const bool typed = status.is_object() && text_field(status, "token", reply.token) &&
                       text_field(status, "clientCertificateData", reply.client_cert_pem) &&
                       text_field(status, "clientKeyData", reply.client_key_pem) &&
                       text_field(status, "expirationTimestamp", expires);
    if (!typed) return wrong("its status has a field of another type than text");
    if (reply.token.empty() && reply.client_cert_pem.empty() && reply.client_key_pem.empty()) {
        return wrong("it returned neither a token nor a certificate with its key");
    }
    if (reply.client_cert_pem.empty() != reply.client_key_pem.empty()) {
        return wrong("it returned only one of certificate and key");
    }
    const bool clean = std::all_of(reply.token.begin(), reply.token.end(),
                                   [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    if (!clean) return wrong("its token has a line break or another control character");
    if (!expires.empty()) {
        const auto time = parse_time(expires);
        if (!time.ok()) return wrong("its expirationTimestamp is not an RFC 3339 time");
        reply.expires = *time;
    }
    return reply;
}

}  // namespace

std::string exec_info(const ClientConfig& config, bool interactive) {
    const ExecPlugin& exec = *config.exec;
    Json spec = Json::object();
    if (exec.provide_cluster_info) {
        Json cluster = {{"server", config.server}};
        if (!config.tls_server_name.empty()) cluster["tls-server-name"] = config.tls_server_name;
        if (config.insecure) cluster["insecure-skip-tls-verify"] = true;
        if (!config.ca_pem.empty()) cluster["certificate-authority-data"] = encode_base64(config.ca_pem);
        if (!exec.proxy_url.empty()) cluster["proxy-url"] = exec.proxy_url;
        if (config.disable_compression) cluster["disable-compression"] = true;
        cluster["config"] = exec.cluster_extension;
        spec["cluster"] = std::move(cluster);
    }
    spec["interactive"] = interactive;
    const Json info = {{"kind", "ExecCredential"}, {"apiVersion", exec.api_version}, {"spec", std::move(spec)}};
    return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PluginReply> parse_reply(std::string_view output, const std::string& api_version) {
    const Json reply = parse_output(output);
    std::string version, kind;
    if (!reply.is_object() || !text_field(reply, "apiVersion", version) || !text_field(reply, "kind", kind)) {
        return wrong("its output is not an ExecCredential");
    }
    if (kind != "ExecCredential") return wrong("its output is of another kind than ExecCredential");
    if (version != api_version) {
        return wrong("kubeconfig asks for version " + escape_line(api_version) + ", and it answered in another");
    }
    const auto status = reply.find("status");
    if (status == reply.end() || status->is_null()) return wrong("its output has no status");
    return parse_status(*status);
}

}  // namespace holdfast::kubeconfig
