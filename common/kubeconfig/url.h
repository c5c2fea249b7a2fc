// URLs as Go's net/url understands them, as far as kubeconfig and proxies need it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::kubeconfig {

struct Url {
    std::string scheme;   // lower case; "" : none
    bool opaque = false;  // "localhost:8080" is scheme "localhost" with the opaque rest "8080"
    bool has_user = false;
    std::string user;        // "name:password" as written, still escaped
    std::string host;        // without brackets and port
    bool bracketed = false;  // [IPv6]
    std::string port;        // digits, or ""
    std::string path;        // escaped, without query and fragment
};

// nullopt where url.Parse gives an error.
std::optional<Url> parse_url(std::string_view text);

std::string to_string(const Url& url);
// The same with "***" for a password.
std::string redacted(const Url& url);
// For text that may be no URL: whatever stands before an @ is replaced.
std::string redacted_text(std::string_view text);

// host, in lower case and as ASCII: "xn--..." for labels that are not. No other normalisation is done.
std::string ascii_host(std::string_view host);

// net.SplitHostPort. nullopt: no port, or too many colons.
struct HostPort {
    std::string host, port;
};
std::optional<HostPort> split_host_port(std::string_view text);

// "localhost" or an address of 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view host);

}  // namespace holdfast::kubeconfig
