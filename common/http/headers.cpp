#include "common/http/headers.h"

#include "common/core/percent.h"
#include "common/core/text.h"

#include <cctype>

namespace holdfast::http {

namespace {

constexpr std::size_t kHeaderBytesMax = std::size_t{256} << 10;
constexpr std::size_t kHeaderLinesMax = 1000;

// RFC 7230: what a token may hold besides letters and digits, without the percent sign that starts an escape.
constexpr std::string_view kTokenMarks = "!#$&'*+-.^_`|~";

bool is_token_byte(unsigned char byte) {
    const char c = static_cast<char>(byte);
    return (byte < 0x80 && std::isalnum(byte)) || c == '%' || kTokenMarks.find(c) != std::string_view::npos;
}

}  // namespace

Headers impersonation_headers(const kubeconfig::ClientConfig& config) {
    Headers out;
    if (!config.as.empty()) out.emplace_back("Impersonate-User", config.as);
    if (!config.as_uid.empty()) out.emplace_back("Impersonate-Uid", config.as_uid);
    for (const std::string& group : config.as_groups) out.emplace_back("Impersonate-Group", group);
    for (const auto& [key, value] : config.as_extra)
        out.emplace_back("Impersonate-Extra-" + percent_encode(key, kTokenMarks), value);
    return out;
}

Status check_header(std::string_view name, std::string_view value) {
    for (const char c : name) {
        if (!is_token_byte(static_cast<unsigned char>(c))) {
            return Error{ErrorKind::kInvalid, "a request header has a name that HTTP does not allow", "", 0, ""};
        }
    }
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
            return Error{
                ErrorKind::kInvalid,
                "the value for request header " + std::string(name) + " has a control character (a stray newline?)", "",
                0, ""};
        }
    }
    return {};
}

bool HeaderCollector::add(std::string_view line, Response& response) {
    bytes_ += line.size();
    lines_ += 1;
    if (bytes_ > kHeaderBytesMax || lines_ > kHeaderLinesMax) return false;
    line = trim(line);
    if (line.empty()) return true;
    if (starts_with(line, "HTTP/")) {
        response.headers.clear();
        return true;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    response.headers.emplace_back(to_lower(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
    return true;
}

}  // namespace holdfast::http
