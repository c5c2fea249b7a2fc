#include "common/kubeconfig/yaml_scalar.h"

#include "common/kubeconfig/base64.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace holdfast::kubeconfig {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

enum class Kind { kString, kNull, kBool, kInt, kFloat };

struct Scalar {
    Kind kind = Kind::kString;
    Json value;
};

struct Word {
    std::string_view text;
    Kind kind;
    int value;  // of a bool
};
constexpr std::array<Word, 27> kWords{{
    {"y", Kind::kBool, 1},     {"Y", Kind::kBool, 1},     {"yes", Kind::kBool, 1},   {"Yes", Kind::kBool, 1},
    {"YES", Kind::kBool, 1},   {"true", Kind::kBool, 1},  {"True", Kind::kBool, 1},  {"TRUE", Kind::kBool, 1},
    {"on", Kind::kBool, 1},    {"On", Kind::kBool, 1},    {"ON", Kind::kBool, 1},    {"n", Kind::kBool, 0},
    {"N", Kind::kBool, 0},     {"no", Kind::kBool, 0},    {"No", Kind::kBool, 0},    {"NO", Kind::kBool, 0},
    {"false", Kind::kBool, 0}, {"False", Kind::kBool, 0}, {"FALSE", Kind::kBool, 0}, {"off", Kind::kBool, 0},
    {"Off", Kind::kBool, 0},   {"OFF", Kind::kBool, 0},   {"", Kind::kNull, 0},      {"~", Kind::kNull, 0},
    {"null", Kind::kNull, 0},  {"Null", Kind::kNull, 0},  {"NULL", Kind::kNull, 0},
}};

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

bool is_non_finite(std::string_view text) {
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    for (const std::string_view word : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"}) {
        if (text == word) return true;
    }
    return false;
}

// strconv.ParseInt and ParseUint with base 0, underscores already removed.
std::optional<Json> parse_integer(std::string_view text) {
    bool negative = false;
    bool has_sign = false;
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
        has_sign = true;
        negative = text[0] == '-';
        text.remove_prefix(1);
    }
    int base = 10;
    if (text.size() > 1 && text[0] == '0') {
        const char c = text[1];
        base = c == 'x' || c == 'X' ? 16 : c == 'b' || c == 'B' ? 2 : 8;
        text.remove_prefix(base != 8 || c == 'o' || c == 'O' ? 2 : 1);
    }
    std::uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    constexpr std::uint64_t kLargest = INT64_MAX;
    if (negative) {
        if (magnitude > kLargest + 1) return std::nullopt;
        return Json(static_cast<std::int64_t>(0 - magnitude));
    }
    if (magnitude <= kLargest) return Json(static_cast<std::int64_t>(magnitude));
    if (has_sign) return std::nullopt;  // ParseUint takes no sign
    return Json(magnitude);
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool looks_like_float(std::string_view text) {
    std::size_t at = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = at;
        while (at < text.size() && is_decimal(text[at])) ++at;
        return at - from;
    };
    const std::size_t whole = digits();
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (digits() == 0 && whole == 0) return false;
    } else if (whole == 0) {
        return false;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        if (digits() == 0) return false;
    }
    return at == text.size();
}

std::optional<double> parse_float(std::string_view text) {
    if (!looks_like_float(text)) return std::nullopt;
    if (text[0] == '+') text.remove_prefix(1);
    const std::string copy(text);
    const double value = std::strtod(copy.c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;  // Go: out of range, so it stays a string
    return value;
}

// As encoding/json writes a float64 and reads the number again: 1e3 becomes the integer 1000.
Json go_number(double value) {
    if (value == std::floor(value) && std::fabs(value) < 9007199254740992.0 && !(value == 0 && std::signbit(value))) {
        return Json(static_cast<std::int64_t>(value));
    }
    return Json(value);
}

// strconv.ParseFloat takes underscores between digits. nullopt: one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
    std::string digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_')
            digits += text[i];
        else if (i == 0 || i + 1 == text.size() || !is_decimal(text[i - 1]) || !is_decimal(text[i + 1]))
            return std::nullopt;
    }
    return digits;
}

// Four digits, a dash, one or two digits, a dash, one or two digits; then nothing, or a time.
bool looks_like_timestamp(std::string_view text) {
    std::size_t at = 0;
    const auto digits = [&](std::size_t most) {
        const std::size_t from = at;
        while (at < text.size() && at - from < most && is_decimal(text[at])) ++at;
        return at - from;
    };
    const auto dash = [&] { return at < text.size() && text[at++] == '-'; };
    if (digits(4) != 4 || !dash() || digits(2) == 0 || !dash() || digits(2) == 0) return false;
    return at == text.size() || text[at] == 'T' || text[at] == 't' || text[at] == ' ';
}

Scalar resolve_plain(std::string_view text) {
    for (const Word& word : kWords) {
        if (word.text != text) continue;
        return word.kind == Kind::kNull ? Scalar{Kind::kNull, Json(nullptr)}
                                        : Scalar{Kind::kBool, Json(word.value == 1)};
    }
    const char first = text[0];
    if (first == '.') {
        const auto digits = without_underscores(text);
        if (const auto value = digits ? parse_float(*digits) : std::nullopt) return {Kind::kFloat, go_number(*value)};
    } else if (is_decimal(first) || first == '+' || first == '-') {
        std::string digits;
        for (const char c : text) {
            if (c != '_') digits += c;
        }
        if (auto value = parse_integer(digits)) return {Kind::kInt, std::move(*value)};
        if (const auto value = parse_float(digits)) return {Kind::kFloat, go_number(*value)};
    }
    return {Kind::kString, Json(text)};
}

// strconv.FormatFloat(number, 'g', -1, 32), which is what kubectl makes of a float key.
std::string format_key(float number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";  // also 1e308, which no float32 can hold
    std::array<char, 64> buffer{};
    int digits = 0;
    do {
        std::snprintf(buffer.data(), buffer.size(), "%.*e", digits++, static_cast<double>(number));
    } while (std::strtof(buffer.data(), nullptr) != number && digits < 9);
    const int exponent = std::atoi(std::strchr(buffer.data(), 'e') + 1);
    if (exponent >= -4 && exponent < 6) {
        std::snprintf(buffer.data(), buffer.size(), "%.*f", std::max(0, digits - 1 - exponent),
                      static_cast<double>(number));
    }
    return buffer.data();
}

Error mismatch(std::string_view tag) {
    return Error{ErrorKind::kInvalid, "the value does not fit its tag !!" + std::string(tag), "", 0, ""};
}

Result<Scalar> resolve_tagged(std::string_view type, std::string_view text) {
    if (type == "binary") {
        auto bytes = decode_base64(text);
        if (!bytes) return mismatch(type);
        return Scalar{Kind::kString, Json(std::move(*bytes))};
    }
    if (type == "timestamp" && !looks_like_timestamp(text)) return mismatch(type);
    const Kind wanted = type == "bool"    ? Kind::kBool
                        : type == "int"   ? Kind::kInt
                        : type == "float" ? Kind::kFloat
                        : type == "null"  ? Kind::kNull
                                          : Kind::kString;
    if (wanted == Kind::kString) return Scalar{Kind::kString, Json(text)};  // str, timestamp, or a type unknown to us
    Scalar scalar = resolve_plain(text);
    if (wanted == Kind::kFloat && scalar.kind == Kind::kInt) scalar.kind = Kind::kFloat;
    if (scalar.kind != wanted) return mismatch(type);
    return scalar;
}

Result<Scalar> resolve(std::string_view tag, std::string_view text) {
    const bool plain = tag == "?" || tag.empty();
    const bool standard = tag.substr(0, kTagPrefix.size()) == kTagPrefix;
    if (!plain && !standard) return Scalar{Kind::kString, Json(text)};
    const std::string_view type = plain ? "" : tag.substr(kTagPrefix.size());
    if ((plain || type == "float") && is_non_finite(text)) {
        return Error{ErrorKind::kInvalid, "JSON has no number for infinity or not-a-number", "", 0, ""};
    }
    if (plain) return resolve_plain(text);
    return resolve_tagged(type, text);
}

}  // namespace

Result<Json> resolve_scalar(std::string_view tag, std::string_view text) {
    TRY_ASSIGN(Scalar scalar, resolve(tag, text));
    return std::move(scalar.value);
}

Result<std::string> resolve_key(std::string_view tag, std::string_view text) {
    TRY_ASSIGN(const Scalar scalar, resolve(tag, text));
    const Json& value = scalar.value;
    if (scalar.kind == Kind::kNull || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)) {
        return Error{ErrorKind::kInvalid, "a key must be a string, a number or a boolean", "", 0, ""};
    }
    if (value.is_string()) return value.get<std::string>();
    if (scalar.kind != Kind::kFloat) return value.dump();
    return format_key(static_cast<float>(value.get<double>()));
}

}  // namespace holdfast::kubeconfig
