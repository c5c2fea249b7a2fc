#include "common/core/duration.h"

#include "common/core/text.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>

namespace holdfast {
namespace {

using std::chrono::milliseconds;
constexpr double kLongest = 10.0 * 365 * 86400 * 1000;  // ten years in ms

struct Unit {
    std::string_view text;
    double ms;
};
constexpr std::array<Unit, 7> kUnits = {
    {{"ns", 1e-6}, {"us", 1e-3}, {"\xC2\xB5s", 1e-3}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}}};

Error bad(std::string_view text, std::string_view what, std::string_view why) {
    return {ErrorKind::kUsage,
            "invalid " + std::string(what) + " \"" + escape_line(text.substr(0, 64)) + "\": " + std::string(why),
            "write for example 30s, 5m or 1h30m", 0, ""};
}

bool take_number(std::string_view& text, double& value) {
    std::size_t at = 0;
    while (at < text.size() && (std::isdigit(static_cast<unsigned char>(text[at])) || text[at] == '.')) ++at;
    if (at == 0 || text.substr(0, at) == "." || at > 30) return false;
    char* end = nullptr;
    const std::string digits(text.substr(0, at));
    value = std::strtod(digits.c_str(), &end);
    text.remove_prefix(at);
    return *end == 0;
}

const Unit* take_unit(std::string_view& text) {
    std::size_t at = 0;
    while (at < text.size() && !std::isdigit(static_cast<unsigned char>(text[at])) && text[at] != '.') ++at;
    for (const Unit& unit : kUnits) {
        if (unit.text == text.substr(0, at)) {
            text.remove_prefix(at);
            return &unit;
        }
    }
    return nullptr;
}

bool digits(std::string_view text, std::size_t at, std::size_t count, int& value) {
    if (at + count > text.size()) return false;
    value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (!std::isdigit(static_cast<unsigned char>(text[i]))) return false;
        value = value * 10 + (text[i] - '0');
    }
    return true;
}

std::string format(SystemTime time, bool micro) {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(since / 1000000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char buffer[64];
    const std::size_t used = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string out(buffer, used);
    if (micro) {
        std::snprintf(buffer, sizeof buffer, ".%06d", static_cast<int>(since % 1000000));
        out += buffer;
    }
    return out + "Z";
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text, std::string_view what) {
    std::string_view rest = text;
    if (rest.empty()) return bad(text, what, "it is empty");
    if (rest[0] == '-') return bad(text, what, "it is negative");
    if (rest[0] == '+') rest.remove_prefix(1);
    double total = 0;
    bool first = true;
    while (first || !rest.empty()) {
        double value = 0;
        if (!take_number(rest, value)) return bad(text, what, "it is not a duration");
        const Unit* unit = &kUnits[4];
        if (!(first && rest.empty())) {
            unit = take_unit(rest);
            if (unit == nullptr) return bad(text, what, "unknown unit");
        }
        total += value * unit->ms;
        first = false;
        if (total > kLongest) return bad(text, what, "it is over 10 years");
    }
    return milliseconds(static_cast<long long>(total));
}

std::string format_time(SystemTime time) { return format(time, false); }
std::string format_time_micro(SystemTime time) { return format(time, true); }

Result<SystemTime> parse_time(std::string_view text) {
    const Error wrong{ErrorKind::kInvalid, "\"" + escape_line(text.substr(0, 64)) + "\" is not an RFC 3339 time", "", 0,
                      ""};
    std::tm parts{};
    int year = 0, month = 0;
    const bool shape = digits(text, 0, 4, year) && digits(text, 5, 2, month) && digits(text, 8, 2, parts.tm_mday) &&
                       digits(text, 11, 2, parts.tm_hour) && digits(text, 14, 2, parts.tm_min) &&
                       digits(text, 17, 2, parts.tm_sec) && text[4] == '-' && text[7] == '-' &&
                       (text[10] == 'T' || text[10] == 't') && text[13] == ':' && text[16] == ':';
    if (!shape || month < 1 || month > 12 || parts.tm_mday < 1 || parts.tm_mday > 31 || parts.tm_hour > 23 ||
        parts.tm_min > 59 || parts.tm_sec > 60)
        return wrong;
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    std::size_t at = 19;
    long long micros = 0;
    if (at < text.size() && text[at] == '.') {
        long long unit = 100000;
        for (++at; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at, unit /= 10)
            micros += unit * (text[at] - '0');
    }
    int offset = 0;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
        int hours = 0, minutes = 0;
        if (!digits(text, at + 1, 2, hours) || at + 6 != text.size() || !digits(text, at + 4, 2, minutes)) return wrong;
        offset = (hours * 60 + minutes) * 60 * (text[at] == '-' ? -1 : 1);
    } else if (at + 1 != text.size() || (text[at] != 'Z' && text[at] != 'z')) {
        return wrong;
    }
    const std::time_t seconds = timegm(&parts) - offset;
    return SystemTime(std::chrono::duration_cast<SystemTime::duration>(std::chrono::seconds(seconds) +
                                                                       std::chrono::microseconds(micros)));
}

}  // namespace holdfast
