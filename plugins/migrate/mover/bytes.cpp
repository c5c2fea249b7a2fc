#include "plugins/migrate/mover/bytes.h"

#include <array>

namespace holdfast::mover {
namespace {

void append_little_endian(std::string& out, std::uint64_t value, std::size_t bytes) {
    std::array<char, sizeof value> text{};
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(value >> (8 * i));
    out.append(text.data(), bytes);
}

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
    return value;
}

}  // namespace

void Encoder::u32(std::uint32_t value) { append_little_endian(out_, value, 4); }
void Encoder::u64(std::uint64_t value) { append_little_endian(out_, value, 8); }

void Encoder::number(std::uint64_t value) {
    while (value >= 0x80) {
        out_.push_back(static_cast<char>((value & 0x7F) | 0x80));
        value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
}

void Encoder::text(std::string_view value) {
    number(value.size());
    out_.append(value);
}

std::string_view Decoder::raw(std::size_t length) {
    if (!ok_ || length > rest_.size()) {
        ok_ = false;
        return {};
    }
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
}

std::uint8_t Decoder::u8() { return static_cast<std::uint8_t>(little_endian(raw(1))); }
std::uint32_t Decoder::u32() { return static_cast<std::uint32_t>(little_endian(raw(4))); }
std::uint64_t Decoder::u64() { return little_endian(raw(8)); }

std::uint64_t Decoder::number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const std::uint8_t byte = u8();
        if (!ok_) return 0;
        // The tenth byte has room for one bit: more would be lost without a word.
        if (shift == 63 && byte > 1) break;
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
}

std::uint64_t Decoder::number(std::uint64_t most) {
    const std::uint64_t value = number();
    if (value > most) ok_ = false;
    return ok_ ? value : 0;
}

std::string_view Decoder::text(std::size_t longest) { return raw(static_cast<std::size_t>(number(longest))); }

}  // namespace holdfast::mover
