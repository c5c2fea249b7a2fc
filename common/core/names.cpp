#include "common/core/names.h"

#include "common/core/hash.h"
#include "common/core/text.h"

#include <algorithm>

namespace holdfast {
namespace {

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

bool is_label_part(std::string_view part) {
    if (part.empty() || !is_lower_alnum(part.front()) || !is_lower_alnum(part.back())) return false;
    return std::all_of(part.begin(), part.end(), [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_qualified_part(std::string_view part) {
    if (part.empty() || part.size() > 63 || !is_alnum(part.front()) || !is_alnum(part.back())) return false;
    return std::all_of(part.begin(), part.end(),
                       [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_subdomain(std::string_view name) {
    if (name.empty() || name.size() > 253 || name.back() == '.') return false;
    const auto parts = split(name, '.');
    return std::all_of(parts.begin(), parts.end(), is_label_part);
}

Error bad_name(std::string_view name, std::string_view what, std::string_view rule) {
    std::string shown = escape_line(name.substr(0, 80));
    if (name.size() > 80) shown += "...";
    return {ErrorKind::kUsage, "invalid " + std::string(what) + " \"" + shown + "\": " + std::string(rule), "", 0, ""};
}

}  // namespace

Status check_dns_subdomain(std::string_view name, std::string_view what) {
    if (is_subdomain(name)) return {};
    return bad_name(
        name, what,
        "must be a DNS name: lower case letters, digits, '-' and '.', beginning and ending with a letter or "
        "digit, at most 253 characters");
}

Status check_dns_label(std::string_view name, std::string_view what) {
    if (name.size() <= 63 && is_label_part(name)) return {};
    return bad_name(
        name, what,
        "must be a DNS label: lower case letters, digits and '-', beginning and ending with a letter or digit, "
        "at most 63 characters");
}

bool is_label_value(std::string_view value) { return value.empty() || is_qualified_part(value); }

Status check_label(std::string_view key, std::string_view value) {
    const std::size_t slash = key.find('/');
    const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
    const bool prefix_ok = slash == std::string_view::npos || is_subdomain(key.substr(0, slash));
    if (!prefix_ok || !is_qualified_part(name)) {
        return bad_name(key, "label key", "must be NAME or PREFIX/NAME with letters, digits, '-', '_' and '.'");
    }
    if (!is_label_value(value)) {
        return bad_name(value, "label value", "at most 63 letters, digits, '-', '_' and '.'");
    }
    return {};
}

std::string bounded_name(std::string_view base, std::string_view suffix, std::size_t limit) {
    std::string whole = std::string(base) + std::string(suffix);
    if (whole.size() <= limit) return whole;
    const std::string hash = "-" + short_hash(whole).substr(0, 8);
    std::string head(base.substr(0, limit - std::min(limit, suffix.size() + hash.size())));
    while (!head.empty() && !is_alnum(head.back())) head.pop_back();
    return head + hash + std::string(suffix);
}

Result<TypedName> parse_typed_name(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) {
        return Error{ErrorKind::kUsage, "\"" + escape_line(text) + "\" is not TYPE/NAME", "for example sts/postgres", 0,
                     ""};
    }
    TypedName typed{to_lower(text.substr(0, slash)), std::string(text.substr(slash + 1))};
    TRY(check_dns_subdomain(typed.name, "name"));
    return typed;
}

}  // namespace holdfast
