#include "common/kubeconfig/base64.h"

#include <cstdint>

namespace holdfast::kubeconfig {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Decodes groups of four; `text` has a length that is a multiple of four and its padding.
std::optional<std::string> decode_groups(const std::string& text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        const bool last = at + 4 == text.size();
        std::size_t padding = 0;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const char c = text[at + i];
            if (c == '=' && last && i >= 2) {
                ++padding;
                group <<= 6;
                continue;
            }
            const std::size_t digit = kAlphabet.find(c);
            if (padding > 0 || digit == std::string_view::npos) return std::nullopt;
            group = group << 6 | static_cast<std::uint32_t>(digit);
        }
        for (std::size_t i = 0; i < 3 - padding; ++i) bytes += static_cast<char>(group >> (16 - 8 * i) & 0xff);
    }
    return bytes;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= count ? kAlphabet[group >> (18 - 6 * i) & 0x3f] : '=';
        }
    }
    return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
    std::string digits;
    digits.reserve(text.size());
    for (const char c : text) {
        if (c != '\r' && c != '\n') digits += c;
    }
    if (digits.size() % 4 != 0) return std::nullopt;
    return decode_groups(digits);
}

std::optional<std::string> decode_base64_url(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (c == '+' || c == '/') return std::nullopt;
        digits += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (digits.size() % 4 != 0) digits += '=';
    return decode_groups(digits);
}

}  // namespace holdfast::kubeconfig
