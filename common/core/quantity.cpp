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

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
    std::size_t at = 0;
    if (text.empty()) return bad(text, "it is empty");
    if (text[0] == '-') return bad(text, "it is negative");
    if (text[0] == '+') ++at;
    Wide digits = 0;
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
        if (digits > (Wide{1} << 100)) return bad(text, "it has too many digits");
        digits = digits * 10 + static_cast<unsigned>(c - '0');
        decimals += point ? 1 : 0;
    }
    if (!any) return bad(text, "it does not begin with a number");
    const Scale scale = parse_suffix(text.substr(at));
    if (!scale.ok) return bad(text, "unknown unit \"" + escape_line(text.substr(at, 16)) + "\"");
    int ten = scale.ten - decimals;
    if (digits == 0) return Quantity(0, std::string(text));
    for (int i = 0; i < scale.two; ++i) {
        if (!multiply(digits, 2)) return bad(text, "it is too large");
    }
    for (; ten > 0; --ten) {
        if (!multiply(digits, 10)) return bad(text, "it is too large");
    }
    bool rest = false;
    for (; ten < 0 && digits > 0; ++ten) {
        rest = rest || digits % 10 != 0;
        digits /= 10;
    }
    if (rest) ++digits;
    if (digits > kMaximum) return bad(text, "it is too large");
    return Quantity(static_cast<long long>(digits), std::string(text));
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
