#include "common/core/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

namespace holdfast {
namespace {

// One code point of UTF-8 at `at`; length 0 if the bytes there are none.
struct Decoded {
    char32_t point = 0;
    std::size_t length = 0;
};

Decoded decode(std::string_view text, std::size_t at) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || lead > 0xF4 || at + length > text.size()) return {};
    char32_t point = lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return {};
        point = (point << 6) | (byte(at + i) & 0x3F);
    }
    const char32_t smallest = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    if (point < smallest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return {};
    return {point, length};
}

// Characters that change how the text around them is shown: a name could look like another one.
bool reorders(char32_t point) {
    return (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0x200E ||
           point == 0x200F || point == 0x061C || point == 0xFEFF || (point >= 0x200B && point <= 0x200D) ||
           point == 0x2028 || point == 0x2029;
}

void append_escaped(std::string& out, std::string_view text, bool one_line) {
    for (std::size_t at = 0; at < text.size();) {
        const Decoded c = decode(text, at);
        char buffer[16];
        if (c.length == 0) {
            std::snprintf(buffer, sizeof buffer, "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(text[at])));
            out += buffer;
            ++at;
            continue;
        }
        if (c.point == '\n' || c.point == '\t') {
            if (one_line)
                out += c.point == '\n' ? "\\n" : "\\t";
            else
                out += static_cast<char>(c.point);
        } else if (c.point < 0x20 || c.point == 0x7F) {
            out += '^';
            out += static_cast<char>(c.point ^ 0x40);
        } else if ((c.point >= 0x80 && c.point < 0xA0) || reorders(c.point)) {
            std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c.point));
            out += buffer;
        } else {
            out.append(text.substr(at, c.length));
        }
        at += c.length;
    }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

}  // namespace

std::string escape_terminal(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_escaped(out, text, false);
    return out;
}

std::string escape_line(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_escaped(out, text, true);
    return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = text.find(separator, begin);
        parts.emplace_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const std::string& part : parts) {
        if (&part != &parts.front()) out += separator;
        out += part;
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool ends_with(std::string_view text, std::string_view suffix) {
    return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::vector<std::pair<std::size_t, std::string>> scored;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        const bool prefix = word.size() >= 3 && starts_with(candidate, word.substr(0, 3));
        if (distance <= 2 && distance < word.size())
            scored.emplace_back(distance, candidate);
        else if (prefix)
            scored.emplace_back(10 + distance, candidate);
    }
    std::sort(scored.begin(), scored.end());
    std::vector<std::string> best;
    for (const auto& [distance, candidate] : scored) {
        if (best.size() < 3) best.push_back(candidate);
    }
    return best;
}

std::string shell_quote(std::string_view word) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
    });
    if (plain) return std::string(word);
    std::string out = "'";
    for (char c : word) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string human_bytes(long long bytes) {
    constexpr std::array<const char*, 6> kUnits = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    char buffer[48];
    const bool whole = std::abs(value - std::round(value)) < 0.05 || value >= 100;
    std::snprintf(buffer, sizeof buffer, whole ? "%.0f%s" : "%.1f%s", value, kUnits[unit]);
    return buffer;
}

std::string human_age(long long seconds) {
    const long long minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    auto two = [](long long a, const char* unit_a, long long b, const char* unit_b) {
        return std::to_string(a) + unit_a + (b ? std::to_string(b) + unit_b : "");
    };
    if (seconds < 0) return seconds < -1 ? "<invalid>" : "0s";
    if (seconds < 120) return std::to_string(seconds) + "s";
    if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
    if (minutes < 180) return std::to_string(minutes) + "m";
    if (hours < 8) return two(hours, "h", minutes % 60, "m");
    if (hours < 48) return std::to_string(hours) + "h";
    if (hours < 192) return two(days, "d", hours % 24, "h");
    if (days < 365 * 2) return std::to_string(days) + "d";
    if (days < 365 * 8) return two(days / 365, "y", days % 365, "d");
    return std::to_string(days / 365) + "y";
}

std::string human_elapsed(double seconds) {
    char buffer[48];
    if (seconds < 1)
        std::snprintf(buffer, sizeof buffer, "%.0fms", seconds * 1000);
    else if (seconds < 60)
        std::snprintf(buffer, sizeof buffer, "%.1fs", seconds);
    else
        std::snprintf(buffer, sizeof buffer, "%dm%ds", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
    return buffer;
}

}  // namespace holdfast
