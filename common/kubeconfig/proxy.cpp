#include "common/kubeconfig/proxy.h"

#include "common/core/text.h"
#include "common/kubeconfig/address.h"
#include "common/kubeconfig/url.h"

#include <optional>
#include <string_view>

namespace holdfast::kubeconfig {
namespace {

std::string first_set(const Environment& environment, const char* upper, const char* lower) {
    const std::string value = environment.get_or(upper, "");
    return value.empty() ? environment.get_or(lower, "") : value;
}

// "host[:port]" is a proxy too; what is no URL at all is ignored, as Go does.
std::optional<Url> parse_proxy(const std::string& text) {
    if (text.empty()) return std::nullopt;
    auto url = parse_url(text);
    if (url && !url->opaque && !url->scheme.empty() && !url->host.empty()) return url;
    if (auto with_scheme = parse_url("http://" + text)) return with_scheme;
    return url;
}

struct Target {
    std::string host, port;
    std::optional<Address> address;
};

// One entry of NO_PROXY against the target.
bool entry_matches(std::string_view entry, const Target& target) {
    if (const auto network = parse_network(entry)) return target.address && contains(*network, *target.address);
    const auto host_port = split_host_port(entry);
    std::string host = host_port ? host_port->host : std::string(entry);
    const std::string port = host_port ? host_port->port : "";
    if (host.empty()) return false;
    const bool port_fits = port.empty() || port == target.port;
    if (const auto address = parse_address(host)) return target.address && *address == *target.address && port_fits;
    if (target.address) return false;
    if (starts_with(host, "*.")) host.erase(0, 1);
    const bool whole = host[0] != '.';
    if (whole) host.insert(0, ".");
    host = ascii_host(host);
    return port_fits && (ends_with(target.host, host) || (whole && target.host == host.substr(1)));
}

bool uses_proxy(const std::string& no_proxy, const Url& url) {
    Target target;
    target.host = ascii_host(url.host);
    target.port = !url.port.empty() ? url.port : url.scheme == "https" ? "443" : "80";
    if (target.host == "localhost") return false;
    target.address = parse_address(url.host.substr(0, url.host.find('%')));
    if (target.address && is_loopback(*target.address)) return false;
    const std::vector<std::string> entries = split(no_proxy, ',');
    for (const std::string& entry : entries) {
        const std::string text = to_lower(trim(entry));
        if (text == "*") return false;
        if (!text.empty() && entry_matches(text, target)) return false;
    }
    return true;
}

}  // namespace

ProxyEnvironment proxy_environment(const Environment& environment) {
    return {first_set(environment, "HTTP_PROXY", "http_proxy"), first_set(environment, "HTTPS_PROXY", "https_proxy"),
            first_set(environment, "NO_PROXY", "no_proxy"), !environment.get_or("REQUEST_METHOD", "").empty()};
}

Result<std::string> choose_proxy(const ProxyEnvironment& environment, const std::string& url_text) {
    const auto url = parse_url(url_text);
    if (!url) return std::string();
    const auto proxy = url->scheme == "https"  ? parse_proxy(environment.https)
                       : url->scheme == "http" ? parse_proxy(environment.http)
                                               : std::nullopt;
    if (!proxy) return std::string();
    if (url->scheme == "http" && environment.cgi) {
        return Error{ErrorKind::kRefused,
                     "refusing to use HTTP_PROXY in a CGI environment, where a request's header may have set it",
                     "unset REQUEST_METHOD, or set proxy-url in kubeconfig", 0, ""};
    }
    return uses_proxy(environment.no_proxy, *url) ? to_string(*proxy) : std::string();
}

Result<std::string> check_proxy(const std::string& text) {
    auto url = parse_url(text);
    if (!url) {
        return Error{ErrorKind::kInvalid, "the proxy URL \"" + escape_line(redacted_text(text)) + "\" cannot be read",
                     "", 0, ""};
    }
    if (url->scheme != "http" && url->scheme != "https" && url->scheme != "socks5" && url->scheme != "socks5h") {
        return Error{ErrorKind::kInvalid,
                     "the proxy URL \"" + escape_line(redacted_text(text)) + "\" has the scheme \"" +
                         escape_line(url->scheme) + "\"; it must be http, https or socks5",
                     "", 0, ""};
    }
    if (url->opaque || url->host.empty()) {
        return Error{ErrorKind::kInvalid, "the proxy URL \"" + escape_line(redacted_text(text)) + "\" has no host", "",
                     0, ""};
    }
    if (url->scheme == "socks5") url->scheme = "socks5h";
    return to_string(*url);
}

}  // namespace holdfast::kubeconfig
