#include "common/kubeconfig/yaml_bytes.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace holdfast::kubeconfig {

CodePoint code_point_at(std::string_view text, std::size_t offset) {
    const auto byte = [&](std::size_t i) {
        return offset + i < text.size() ? static_cast<unsigned char>(text[offset + i]) : 0U;
    };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 && first <= 0xf4  ? 4
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xc2 && first < 0xe0 ? 2
                                                               : 0;
    if (length == 0) return {};
    std::uint32_t value = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return {};
        value = value << 6 | (byte(i) & 0x3fU);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
    return {value, length};
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (point.length == 0) return false;
        at += point.length;
    }
    return true;
}

bool is_yaml_printable(std::uint32_t c) {
    return c == 0x09 || c == 0x0a || c == 0x0d || (c >= 0x20 && c <= 0x7e) || c == 0x85 || (c >= 0xa0 && c <= 0xd7ff) ||
           (c >= 0xe000 && c <= 0xfffd && c != 0xfeff) || (c >= 0x10000 && c <= 0x10ffff);
}

Status check_yaml_bytes(std::string_view text) {
    std::size_t at = text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;  // a byte order mark, at the very start only
    while (at < text.size()) {
        const CodePoint point = code_point_at(text, at);
        if (point.length != 0 && is_yaml_printable(point.value)) {
            at += point.length;
            continue;
        }
        const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
        const std::string place = "byte " + std::to_string(at) + " (line " + std::to_string(line) + "): ";
        if (point.length == 0) return Error{ErrorKind::kInvalid, place + "not UTF-8", "", 0, ""};
        if (point.value == 0) return Error{ErrorKind::kInvalid, place + "NUL is not allowed", "", 0, ""};
        std::array<char, 16> code{};
        std::snprintf(code.data(), code.size(), "U+%04X", point.value);
        return Error{ErrorKind::kInvalid, place + "control character " + code.data() + " is not allowed", "", 0, ""};
    }
    return {};
}

}  // namespace holdfast::kubeconfig
