#include "common/core/quantity.h"

#include "common/core/text.h"

#include <array>
#include <cctype>
#include <cstdint>

namespace holdfast {
namespace {

__extension__ typedef unsigned __int128 Wide;  // -Wpedantic has no other way to say it
constexpr Wide kMaximum = static_cast<Wide>(INT64_MAX);

struct Suffix {
    std::string_view text;
    int ten = 0;  // power of ten
    int two = 0;  // power of two
};
constexpr std::array<Suffix, 16> kSuffixes = {{{"Ki", 0, 10},
                                               {"Mi", 0, 20},
                                               {"Gi", 0, 30},
                                               {"Ti", 0, 40},
                                               {"Pi", 0, 50},
                                               {"Ei", 0, 60},
                                               {"n", -9, 0},
                                               {"u", -6, 0},
                                               {"m", -3, 0},
                                               {"", 0, 0},
                                               {"k", 3, 0},
                                               {"M", 6, 0},
                                               {"G", 9, 0},
                                               {"T", 12, 0},
                                               {"P", 15, 0},
                                               {"E", 18, 0}}};

Error bad(std::string_view text, std::string_view why) {
    return {ErrorKind::kInvalid, "\"" + escape_line(text.substr(0, 64)) + "\" is not a size: " + std::string(why),
            "write for example 10Gi", 0, ""};
}

struct Scale {
    int ten = 0;
    int two = 0;
    bool ok = false;
};

Scale parse_suffix(std::string_view suffix) {
    for (const Suffix& known : kSuffixes) {
        if (known.text == suffix) return {known.ten, known.two, true};
    }
    if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return {};
    std::size_t at = 1;
    const bool negative = suffix[at] == '-';
    if (negative || suffix[at] == '+') ++at;
    if (at == suffix.size()) return {};
    int exponent = 0;
    for (; at < suffix.size(); ++at) {
        if (!std::isdigit(static_cast<unsigned char>(suffix[at]))) return {};
        if (exponent < 10000) exponent = exponent * 10 + (suffix[at] - '0');
    }
    return {negative ? -exponent : exponent, 0, true};
}

bool multiply(Wide& value, unsigned factor) {
    value *= factor;
    return value <= (Wide{1} << 120);
}

// digits * 10^ten * 2^two
struct Number {
    Wide digits = 0;
    int ten = 0, two = 0;
    char exponent = 0;  // 'e': written with one, which the API keeps
};

Result<Number> read_number(std::string_view text) {
    constexpr int kMostExponent = 100;  // apimachinery's own wraps at 2^32
    std::size_t at = 0;
    if (text.empty()) return bad(text, "it is empty");
    const bool negative = text[0] == '-';
    if (negative || text[0] == '+') ++at;
    Number number;
    int decimals = 0;
    bool any = false, point = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!std::isdigit(static_cast<unsigned char>(c))) break;
        any = true;
        if (number.digits > (Wide{1} << 100)) return bad(text, "it has too many digits");
        number.digits = number.digits * 10 + static_cast<unsigned>(c - '0');
        decimals += point ? 1 : 0;
    }
    if (!any) return bad(text, "it does not begin with a number");
    if (negative && number.digits > 0) return bad(text, "it is negative");
    const std::string_view suffix = text.substr(at);
    const Scale scale = parse_suffix(suffix);
    if (!scale.ok) return bad(text, "unknown unit \"" + escape_line(suffix.substr(0, 16)) + "\"");
    if (scale.ten > kMostExponent) return bad(text, "it is too large");
    if (scale.ten < -kMostExponent) return bad(text, "its exponent is too small");
    number.ten = scale.ten - decimals;
    number.two = scale.two;
    if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E') && suffix != "Ei") number.exponent = 'e';
    return number;
}

// The number times 10^more, rounded up; false: too large.
bool whole(const Number& number, int more, Wide& out) {
    out = number.digits;
    if (out == 0) return true;
    for (int i = 0; i < number.two; ++i) {
        if (!multiply(out, 2)) return false;
    }
    int ten = number.ten + more;
    for (; ten > 0; --ten) {
        if (!multiply(out, 10)) return false;
    }
    bool rest = false;
    for (; ten < 0 && out > 0; ++ten) {
        rest = rest || out % 10 != 0;
        out /= 10;
    }
    if (rest) ++out;
    return true;
}

constexpr int kNano = 9;
constexpr Wide kNanos = 1000000000;

std::string digits_of(Wide value) {
    std::string text;
    for (; value > 0; value /= 10) text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    return text.empty() ? "0" : text;
}

// All tens into the exponent, which is then lowered to a multiple of three.
std::string decimal_text(Wide nanos, bool with_exponent) {
    constexpr std::array<const char*, 10> kDecimalUnits = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    int exponent = -kNano;
    while (nanos % 10 == 0) {
        nanos /= 10;
        ++exponent;
    }
    while (exponent % 3 != 0) {
        nanos *= 10;
        --exponent;
    }
    if (exponent == 0) return digits_of(nanos);
    if (with_exponent) return digits_of(nanos) + "e" + std::to_string(exponent);
    const int unit = exponent / 3 + 3;
    return digits_of(nanos) + kDecimalUnits.at(static_cast<std::size_t>(unit));
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
    TRY_ASSIGN(const Number number, read_number(text));
    Wide bytes = 0;
    if (!whole(number, 0, bytes) || bytes > kMaximum) return bad(text, "it is too large");
    return Quantity(static_cast<long long>(bytes), std::string(text));
}

Result<std::string> canonical_quantity(std::string_view text) {
    TRY_ASSIGN(const Quantity size, Quantity::parse(text));
    TRY_ASSIGN(const Number number, read_number(text));
    Wide nanos = 0;
    if (!whole(number, kNano, nanos)) return bad(text, "it is too large");
    if (nanos == 0) return std::string("0");
    const bool binary = number.two > 0 && nanos % kNanos == 0 && nanos >= 1024 * kNanos;
    return binary ? Quantity::from_bytes(size.bytes()).text() : decimal_text(nanos, number.exponent != 0);
}

Quantity Quantity::from_bytes(long long bytes) {
    constexpr std::array<const char*, 7> kUnits = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    long long value = bytes;
    std::size_t unit = 0;
    while (value != 0 && value % 1024 == 0 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return Quantity(bytes, std::to_string(value) + kUnits[unit]);
}

}  // namespace holdfast
