#include "common/kubeconfig/url.h"

#include "common/core/text.h"
#include "common/kubeconfig/address.h"
#include "common/kubeconfig/yaml_bytes.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <vector>

namespace holdfast::kubeconfig {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

bool escapes_are_valid(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) return false;
    }
    return true;
}

// Takes the scheme off `rest`. False: ":" stands first.
bool take_scheme(std::string_view& rest, std::string& scheme) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (is_letter(c)) continue;
        if (c == ':') {
            if (i == 0) return false;
            scheme = to_lower(rest.substr(0, i));
            rest.remove_prefix(i + 1);
            return true;
        }
        if (i == 0 || !(is_digit(c) || c == '+' || c == '-' || c == '.')) return true;
    }
    return true;
}

bool take_port(std::string_view text, std::string& port) {
    if (text.empty()) return true;
    if (text[0] != ':') return false;
    for (const char c : text.substr(1)) {
        if (!is_digit(c)) return false;
    }
    port = text.substr(1);
    return true;
}

bool host_is_valid(std::string_view host) {
    for (std::size_t i = 0; i < host.size(); ++i) {
        const char c = host[i];
        if (static_cast<unsigned char>(c) >= 0x80 || is_letter(c) || is_digit(c)) continue;
        if (std::string_view("-_.~!$&'()*+,;=<>\"").find(c) == std::string_view::npos) return false;
    }
    return true;
}

bool parse_host(std::string_view text, Url& url) {
    if (!text.empty() && text[0] == '[') {
        const std::size_t end = text.rfind(']');
        if (end == std::string_view::npos || !take_port(text.substr(end + 1), url.port)) return false;
        url.bracketed = true;
        url.host = text.substr(1, end - 1);
        return parse_address(url.host.substr(0, url.host.find('%'))).has_value();
    }
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && !take_port(text.substr(colon), url.port)) return false;
    url.host = text.substr(0, colon);
    return host_is_valid(url.host);
}

bool parse_authority(std::string_view text, Url& url) {
    const std::size_t at = text.rfind('@');
    if (at != std::string_view::npos) {
        url.has_user = true;
        url.user = text.substr(0, at);
        for (const char c : url.user) {
            if (!is_letter(c) && !is_digit(c) &&
                std::string_view("-._:~!$&'()*+,;=%@").find(c) == std::string_view::npos)
                return false;
        }
        if (!escapes_are_valid(url.user)) return false;
        text.remove_prefix(at + 1);
    }
    return parse_host(text, url);
}

// Bytes that may not stand in a path become escapes, as URL.EscapedPath does.
std::string escape_path(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (is_letter(c) || is_digit(c) ||
            std::string_view("-_.~!$&'()*+,;=:@/%[]").find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        std::array<char, 4> code{};
        std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += code.data();
    }
    return out;
}

// RFC 3492, section 6.3.
std::string punycode(const std::vector<std::uint32_t>& label) {
    constexpr std::uint32_t kBase = 36, kMin = 1, kMax = 26, kSkew = 38, kDamp = 700;
    const auto digit = [](std::uint32_t d) { return static_cast<char>(d < 26 ? 'a' + d : '0' + (d - 26)); };
    std::string out;
    for (const std::uint32_t c : label) {
        if (c < 0x80) out += static_cast<char>(c);
    }
    const auto basic = static_cast<std::uint32_t>(out.size());
    std::uint32_t handled = basic, n = 128, delta = 0, bias = 72;
    if (basic > 0) out += '-';
    while (handled < label.size()) {
        std::uint32_t next = 0x110000;
        for (const std::uint32_t c : label) {
            if (c >= n && c < next) next = c;
        }
        delta += (next - n) * (handled + 1);
        n = next;
        for (const std::uint32_t c : label) {
            if (c < n) ++delta;
            if (c != n) continue;
            std::uint32_t q = delta;
            for (std::uint32_t k = kBase;; k += kBase) {
                const std::uint32_t t = k <= bias ? kMin : k >= bias + kMax ? kMax : k - bias;
                if (q < t) break;
                out += digit(t + (q - t) % (kBase - t));
                q = (q - t) / (kBase - t);
            }
            out += digit(q);
            delta = handled == basic ? delta / kDamp : delta / 2;
            delta += delta / (handled + 1);
            std::uint32_t k = 0;
            for (; delta > ((kBase - kMin) * kMax) / 2; k += kBase) delta /= kBase - kMin;
            bias = k + (kBase - kMin + 1) * delta / (delta + kSkew);
            delta = 0;
            ++handled;
        }
        ++delta;
        ++n;
    }
    return out;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    }
    std::string_view rest = text.substr(0, text.find('#'));
    Url url;
    if (!take_scheme(rest, url.scheme)) return std::nullopt;
    rest = rest.substr(0, rest.find('?'));
    if (!starts_with(rest, "/")) {
        if (!url.scheme.empty()) {
            url.opaque = true;
            return url;
        }
        if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) return std::nullopt;
    }
    if (starts_with(rest, "//") && (!url.scheme.empty() || !starts_with(rest, "///"))) {
        rest.remove_prefix(2);
        const std::size_t slash = rest.find('/');
        if (!parse_authority(rest.substr(0, slash), url)) return std::nullopt;
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    if (!escapes_are_valid(rest)) return std::nullopt;
    url.path = escape_path(rest);
    return url;
}

std::string to_string(const Url& url) {
    std::string out = url.scheme.empty() ? "" : url.scheme + "://";
    if (url.has_user) out += url.user + "@";
    out += url.bracketed ? "[" + url.host + "]" : url.host;
    if (!url.port.empty()) out += ":" + url.port;
    return out + url.path;
}

std::string redacted(const Url& url) {
    Url copy = url;
    const std::size_t colon = copy.user.find(':');
    if (colon != std::string::npos) copy.user = copy.user.substr(0, colon) + ":***";
    return to_string(copy);
}

std::string redacted_text(std::string_view text) {
    if (const auto url = parse_url(text); url && !url->opaque) return redacted(*url);
    const std::size_t at = text.rfind('@');
    return at == std::string_view::npos ? std::string(text) : "***" + std::string(text.substr(at));
}

std::string ascii_host(std::string_view host) {
    std::vector<std::string> labels;
    for (const std::string& label : split(host, '.')) {
        std::vector<std::uint32_t> points;
        bool ascii = true;
        for (std::size_t at = 0; at < label.size();) {
            const CodePoint point = code_point_at(label, at);
            if (point.length == 0) return std::string(host);
            ascii = ascii && point.value < 0x80;
            points.push_back(point.value);
            at += point.length;
        }
        labels.push_back(ascii ? to_lower(label) : "xn--" + punycode(points));
    }
    return join(labels, ".");
}

std::optional<HostPort> split_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    if (!text.empty() && text[0] == '[') {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || end + 1 != colon) return std::nullopt;
        host = text.substr(1, end - 1);
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;
    }
    if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
    return HostPort{std::string(host), std::string(text.substr(colon + 1))};
}

bool is_loopback(std::string_view host) {
    if (to_lower(host) == "localhost") return true;
    const auto address = parse_address(host.substr(0, host.find('%')));
    return address && is_loopback(*address);
}

}  // namespace holdfast::kubeconfig
