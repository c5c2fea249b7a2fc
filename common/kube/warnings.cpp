#include "common/kube/warnings.h"

#include "common/core/text.h"

namespace holdfast::kube {

namespace {

constexpr std::size_t kTextMax = 4096;
constexpr std::size_t kWarningsMax = 1000;

void skip_optional_space(std::string_view text, std::size_t& at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
}

// A quoted string of RFC 7230; at stands on its quote and then behind it. False: it does not end.
bool read_quoted(std::string_view text, std::size_t& at, std::string& out) {
    if (at >= text.size() || text[at] != '"') return false;
    for (++at; at < text.size(); ++at) {
        if (text[at] == '"') {
            ++at;
            return true;
        }
        if (text[at] == '\\' && ++at >= text.size()) return false;
        if (out.size() < kTextMax) out += text[at];
    }
    return false;
}

}  // namespace

std::vector<std::string> parse_warnings(std::string_view header) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < header.size()) {
        skip_optional_space(header, at);
        const std::string_view code = header.substr(at, 3);
        at += std::min<std::size_t>(3, header.size() - at);
        if (code.size() != 3 || code.find_first_not_of("0123456789") != std::string_view::npos) return out;
        if (at >= header.size() || header[at] != ' ') return out;
        skip_optional_space(header, at);
        while (at < header.size() && header[at] != ' ') ++at;  // the agent
        skip_optional_space(header, at);
        std::string text;
        if (!read_quoted(header, at, text)) return out;
        skip_optional_space(header, at);
        std::string date;
        if (at < header.size() && header[at] == '"' && !read_quoted(header, at, date)) return out;
        skip_optional_space(header, at);
        if (code == "299" && !text.empty()) out.push_back(escape_line(text));
        if (at < header.size() && header[at] != ',') return out;
        ++at;
    }
    return out;
}

void Warnings::look_at(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
        if (name != "warning") continue;
        for (const std::string& text : parse_warnings(value)) {
            if (said_.size() < kWarningsMax && said_.insert(text).second) console_.err("Warning: " + text + "\n");
        }
    }
}

}  // namespace holdfast::kube
