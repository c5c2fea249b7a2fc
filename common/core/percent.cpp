#include "common/core/percent.h"

#include <cctype>

namespace holdfast {

std::string percent_encode(std::string_view text, std::string_view also) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte < 0x80 && std::isalnum(byte)) || std::string_view("-._~").find(c) != std::string::npos;
        if (plain || also.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

}  // namespace holdfast
