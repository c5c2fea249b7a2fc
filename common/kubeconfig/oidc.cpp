#include "common/kubeconfig/oidc.h"

#include "common/core/text.h"
#include "common/kubeconfig/base64.h"

#include <optional>

namespace holdfast::kubeconfig {
namespace {

constexpr const char* kAlternative = "use an exec plugin in kubeconfig instead, for example kubectl oidc-login";

// The "exp" claim, in seconds since 1970. The signature is for the server to check.
std::optional<double> expiry_of(const std::string& token) {
    const std::vector<std::string> parts = split(token, '.');
    if (parts.size() != 3) return std::nullopt;
    const auto payload = decode_base64_url(parts[1]);
    if (!payload) return std::nullopt;
    const Json claims = Json::parse(*payload, nullptr, false);
    if (!claims.is_object()) return std::nullopt;
    const auto expiry = claims.find("exp");
    if (expiry == claims.end() || !expiry->is_number()) return std::nullopt;
    return expiry->get<double>();
}

}  // namespace

Result<std::string> oidc_token(const RawAuthProvider& provider, SystemTime now) {
    if (provider.name != "oidc") {
        return Error{ErrorKind::kInvalid, "auth-provider \"" + escape_line(provider.name) + "\" is no longer supported",
                     kAlternative, 0, ""};
    }
    const auto found = provider.config.find("id-token");
    if (found == provider.config.end() || found->second.empty()) {
        return Error{ErrorKind::kInvalid, "auth-provider oidc has no id-token", kAlternative, 0, ""};
    }
    const auto expiry = expiry_of(found->second);
    if (!expiry)
        return Error{ErrorKind::kInvalid, "the id-token of auth-provider oidc cannot be read", kAlternative, 0, ""};
    const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
    if (*expiry < seconds + 10) {
        return Error{ErrorKind::kUnauthorized, "the id-token of auth-provider oidc has expired",
                     "run any kubectl command to refresh it, or use an exec plugin in kubeconfig, for example kubectl "
                     "oidc-login",
                     0, ""};
    }
    return found->second;
}

}  // namespace holdfast::kubeconfig
