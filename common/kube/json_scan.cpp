#include "common/kube/json_scan.h"

#include <algorithm>

namespace holdfast::kube {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void skip_blanks(std::string_view text, std::size_t& at) {
    while (at < text.size() && is_blank(text[at])) ++at;
}

// at stands on the opening quote; afterwards behind the closing one. False: it does not end.
bool skip_string(std::string_view text, std::size_t& at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"') {
            ++at;
            return true;
        }
    }
    return false;
}

// Behind the value that begins at `at`. False: it does not end, or there is none.
bool skip_value(std::string_view text, std::size_t& at) {
    std::size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            if (!skip_string(text, at)) return false;
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return false;
            --depth;
            ++at;
        } else if (depth > 0) {
            ++at;
            continue;
        } else {
            const std::size_t begin = at;
            at = std::min(text.find_first_of(",]} \t\r\n", at), text.size());
            return at > begin;
        }
        if (depth == 0) return true;
    }
    return false;
}

bool take(std::string_view text, std::size_t& at, char expected) {
    skip_blanks(text, at);
    if (at >= text.size() || text[at] != expected) return false;
    ++at;
    return true;
}

bool take_value(std::string_view text, std::size_t& at, std::string_view& value) {
    skip_blanks(text, at);
    const std::size_t begin = at;
    if (!skip_value(text, at)) return false;
    value = text.substr(begin, at - begin);
    return true;
}

// Calls `element` for each element between open and close; true if the text was that and nothing else.
template <typename Element>
bool scan_elements(std::string_view text, char open, char close, Element element) {
    std::size_t at = 0;
    if (!take(text, at, open)) return false;
    if (!take(text, at, close)) {
        do {
            if (!element(text, at)) return false;
        } while (take(text, at, ','));
        if (!take(text, at, close)) return false;
    }
    skip_blanks(text, at);
    return at == text.size();
}

}  // namespace

JsonShape check_json_shape(std::string_view text) {
    std::vector<std::size_t> members;  // of each open array (not counted) and object
    std::size_t values = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            if (!skip_string(text, at)) return JsonShape::kCutOff;
            continue;
        }
        if (c == '{' || c == '[') {
            members.push_back(0);
            if (members.size() > kJsonDepthMax) return JsonShape::kTooDeep;
            ++values;
        } else if (c == '}' || c == ']') {
            if (members.empty()) return JsonShape::kGood;  // not JSON: the parser says so
            members.pop_back();
        } else if (c == ',') {
            ++values;
        } else if (c == ':' && !members.empty() && ++members.back() > kJsonMembersMax) {
            return JsonShape::kTooMany;
        }
        if (values > kJsonValuesMax) return JsonShape::kTooMany;
        ++at;
    }
    return members.empty() ? JsonShape::kGood : JsonShape::kCutOff;
}

std::optional<std::vector<std::pair<std::string_view, std::string_view>>> scan_object(std::string_view text) {
    std::vector<std::pair<std::string_view, std::string_view>> out;
    const bool good = scan_elements(text, '{', '}', [&](std::string_view whole, std::size_t& at) {
        skip_blanks(whole, at);
        const std::size_t begin = at;
        if (at >= whole.size() || whole[at] != '"' || !skip_string(whole, at) || out.size() > kJsonMembersMax)
            return false;
        const std::string_view key = whole.substr(begin + 1, at - begin - 2);
        std::string_view value;
        if (!take(whole, at, ':') || !take_value(whole, at, value)) return false;
        out.emplace_back(key, value);
        return true;
    });
    if (!good) return std::nullopt;
    return out;
}

std::optional<std::vector<std::string_view>> scan_array(std::string_view text) {
    std::vector<std::string_view> out;
    const bool good = scan_elements(text, '[', ']', [&](std::string_view whole, std::size_t& at) {
        std::string_view value;
        if (out.size() > kJsonValuesMax || !take_value(whole, at, value)) return false;
        out.push_back(value);
        return true;
    });
    if (!good) return std::nullopt;
    return out;
}

}  // namespace holdfast::kube
