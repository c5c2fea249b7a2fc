#include "common/http/mask.h"

#include "common/core/json.h"
#include "common/core/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace holdfast::http {

namespace {

constexpr char kMasked[] = "<masked>";
constexpr std::size_t kReadMax = std::size_t{8} << 20;
constexpr int kDepthMax = 200;

bool names_a_secret(std::string_view name) {
    std::string word = to_lower(name);
    std::erase_if(word, [](char c) { return c == '_' || c == '-' || c == '.'; });
    static constexpr std::array kWords{"password", "passwd",     "passphrase", "token",         "secretkey",
                                       "apikey",   "privatekey", "credential", "clientkeydata", "accesskey"};
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](const char* part) { return word.find(part) != std::string::npos; }) &&
           word != "automountserviceaccounttoken" && word != "continuetoken";
}

void mask_values(Json& map) {
    if (!map.is_object()) {
        if (!map.is_null()) map = kMasked;
        return;
    }
    for (auto& entry : map.items()) entry.value() = kMasked;
}

std::string kind_of(const Json& object) {
    const auto found = object.find("kind");
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// A Secret, or a patch that looks like a part of one.
void mask_secret(Json& object) {
    for (const char* key : {"data", "stringData"}) {
        if (object.contains(key)) mask_values(object[key]);
    }
    const auto metadata = object.find("metadata");
    if (metadata == object.end() || !metadata->is_object()) return;
    const auto annotations = metadata->find("annotations");
    if (annotations == metadata->end() || !annotations->is_object()) return;
    for (auto& entry : annotations->items()) {
        if (entry.key() == "kubectl.kubernetes.io/last-applied-configuration") entry.value() = kMasked;
    }
}

void mask_value(Json& value, int depth, bool in_secret_list);
std::optional<Json> read_json(std::string_view text);

// Objects are kept as text within objects: kubectl's last-applied annotation holds the whole manifest, env values
// included.
std::string mask_string(const std::string& text, int depth) {
    if (text.starts_with('{') || text.starts_with('[')) {
        if (std::optional<Json> inner = read_json(text)) {
            mask_value(*inner, depth + 1, false);
            return inner->dump(-1, ' ', false, Json::error_handler_t::replace);
        }
    }
    return mask_text(text);
}

void mask_object(Json& object, int depth, bool in_secret_list) {
    const std::string kind = kind_of(object);
    const bool secret = kind == "Secret" || (in_secret_list && object.contains("metadata"));
    const bool secret_list = kind == "SecretList";
    if (secret) mask_secret(object);
    const bool pair = object.contains("name") && object["name"].is_string() && object.contains("value") &&
                      object["value"].is_string();
    if (pair && names_a_secret(object["name"].get<std::string>())) object["value"] = kMasked;
    for (auto& entry : object.items()) {
        const bool field = kind == "TokenRequest" || kind == "ExecCredential" || names_a_secret(entry.key());
        if (entry.value().is_string() && names_a_secret(entry.key()) && field)
            entry.value() = kMasked;
        else
            mask_value(entry.value(), depth + 1, secret_list || (in_secret_list && entry.key() == "items"));
    }
}

void mask_value(Json& value, int depth, bool in_secret_list) {
    if (depth > kDepthMax) {
        value = "<too deep to show>";
        return;
    }
    if (value.is_object()) {
        mask_object(value, depth, in_secret_list);
    } else if (value.is_array()) {
        for (auto& item : value) mask_value(item, depth + 1, in_secret_list);
    } else if (value.is_string()) {
        value = mask_string(value.get_ref<const std::string&>(), depth);
    }
}

// A patch or an object in a request to /secrets/ has no kind where the server would not need one.
std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    const std::size_t over = text.size() - limit;
    text.resize(limit);
    return text + " [truncated " + std::to_string(over) + " chars]";
}

// One JSON value; nullopt if it is none. Exceptions and recursion stay out: the parser's stack is on the heap.
std::optional<Json> read_json(std::string_view text) {
    int deepest = 0;
    const Json::parser_callback_t watch_depth = [&](int depth, Json::parse_event_t, Json&) {
        deepest = std::max(deepest, depth);
        return depth <= kDepthMax;  // deeper values are dropped: nothing deep is ever dumped, since dump recurses
    };
    Json value = Json::parse(text.begin(), text.end(), watch_depth, false);
    if (value.is_discarded() || deepest > kDepthMax) return std::nullopt;
    return value;
}

std::size_t end_of_secret(std::string_view text, std::size_t from) {
    const auto end = text.find_first_of(" \t\r\n\"'&;,", from);
    return end == std::string_view::npos ? text.size() : end;
}

// user:password@ of a URL.
std::string mask_urls(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    while (true) {
        const auto scheme = text.find("://", at);
        if (scheme == std::string_view::npos) break;
        const std::size_t begin = scheme + 3;
        const auto stop = std::min(text.find_first_of("/ \t\r\n\"'", begin), text.size());
        const auto authority = text.substr(begin, stop - begin);
        // A password may hold a raw slash or at sign: the last at sign before a blank ends it.
        const auto word = text.substr(begin, std::min(text.find_first_of(" \t\r\n\"'", begin), text.size()) - begin);
        const auto colon = authority.find(':');
        const auto sign = word.rfind('@');
        out += text.substr(at, begin - at);
        at = begin;
        if (colon != std::string_view::npos && sign != std::string_view::npos && colon < sign) {
            out += std::string(word.substr(0, colon + 1)) + kMasked;
            at = begin + sign;
        }
    }
    return out + std::string(text.substr(at));
}

}  // namespace

std::string mask_text(std::string_view text) {
    const std::string urls = mask_urls(text);
    const std::string lower = to_lower(urls);
    std::string out;
    std::size_t at = 0;
    while (true) {
        auto found = std::string::npos;
        std::size_t length = 0;
        for (const std::string_view word : {"password=", "passwd=", "pwd=", "token=", "sslpassword="}) {
            const auto here = lower.find(word, at);
            if (here < found) {
                found = here;
                length = word.size();
            }
        }
        if (found == std::string::npos) break;
        const std::size_t begin = found + length;
        out += urls.substr(at, begin - at) + kMasked;
        const bool quoted = begin < urls.size() && (urls[begin] == '\'' || urls[begin] == '"');
        const auto close = quoted ? urls.find(urls[begin], begin + 1) : std::string::npos;
        at = close != std::string::npos ? close + 1 : end_of_secret(urls, quoted ? begin + 1 : begin);
    }
    return out + urls.substr(at);
}

std::string mask_header(std::string_view name, std::string_view value) {
    const std::string lower = to_lower(name);
    if (lower == "authorization" || lower == "proxy-authorization") {
        const auto blank = value.find(' ');
        return (blank == std::string_view::npos ? "" : std::string(value.substr(0, blank)) + " ") + kMasked;
    }
    if (lower == "cookie" || lower == "set-cookie" || lower == "www-authenticate") return kMasked;
    return mask_text(value);
}

std::string mask_body(std::string_view body, std::size_t limit) {
    if (body.empty()) return "";
    if (body.size() > kReadMax) return "<" + std::to_string(body.size()) + " bytes: not shown>";
    std::optional<Json> value = read_json(body);
    if (!value) return "<" + std::to_string(body.size()) + " bytes, not JSON: not shown>";
    mask_value(*value, 0, false);
    return cut(value->dump(-1, ' ', false, Json::error_handler_t::replace), limit);
}

}  // namespace holdfast::http
