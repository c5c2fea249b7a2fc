// Numbers and texts as bytes, for frames and index records: little endian, lengths before contents. Reading is bounded
// by its input and by the limits given, and never trusts a length.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::mover {

// Appends to `out`, which must outlive it.
class Encoder {
  public:
    explicit Encoder(std::string& out) : out_(out) {}
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value) { fixed<4>(value); }
    void u64(std::uint64_t value) { fixed<8>(value); }
    void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
    void number(std::uint64_t value);    // 7 bits a byte, small numbers are short
    void text(std::string_view value) {  // its length as number(), then its bytes
        number(value.size());
        out_.append(value);
    }
    void raw(std::string_view value) { out_.append(value); }

  private:
    template <std::size_t kBytes>
    void fixed(std::uint64_t value) {
        std::array<char, kBytes> text;
        for (std::size_t i = 0; i < kBytes; ++i) text[i] = static_cast<char>(value >> (8 * i));
        out_.append(text.data(), kBytes);
    }
    std::string& out_;
};

// Reads what Encoder wrote. After the first thing that is not there every answer is 0 or "", and ok() is false: callers
// ask once, at the end. Texts are views into the input.
class Decoder {
  public:
    explicit Decoder(std::string_view input) : rest_(input) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(fixed<1>()); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(fixed<4>()); }
    std::uint64_t u64() { return fixed<8>(); }
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    std::uint64_t number();
    std::uint64_t number(std::uint64_t most) {  // over `most`: not ok
        const std::uint64_t value = number();
        if (value > most) ok_ = false;
        return ok_ ? value : 0;
    }
    std::string_view text(std::size_t longest) { return raw(static_cast<std::size_t>(number(longest))); }
    std::string_view raw(std::size_t length) {
        if (!ok_ || length > rest_.size()) {
            ok_ = false;
            return {};
        }
        const std::string_view taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }
    void fail() { ok_ = false; }

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }

  private:
    template <std::size_t kBytes>
    std::uint64_t fixed() {
        const std::string_view bytes = raw(kBytes);
        if (bytes.size() != kBytes) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < kBytes; ++i)
            value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        return value;
    }
    std::string_view rest_;
    bool ok_ = true;
};

// Of every entry of a tree a dozen numbers are read and written several times over in each delta: inline.
inline constexpr std::size_t kLongestNumber = 10;  // bytes: the tenth has room for one bit

inline void Encoder::number(std::uint64_t value) {
    std::array<char, kLongestNumber> text;
    std::size_t length = 0;
    for (; value >= 0x80; value >>= 7) text[length++] = static_cast<char>((value & 0x7F) | 0x80);
    text[length++] = static_cast<char>(value);
    out_.append(text.data(), length);
}

inline std::uint64_t Decoder::number() {
    std::uint64_t value = 0;
    const std::size_t longest = ok_ ? std::min(rest_.size(), kLongestNumber) : 0;
    for (std::size_t i = 0; i < longest; ++i) {
        const auto byte = static_cast<unsigned char>(rest_[i]);
        if (i == kLongestNumber - 1 && byte > 1) break;  // more would be lost without a word
        value |= std::uint64_t{byte & 0x7Fu} << (7 * i);
        if (byte >= 0x80) continue;
        rest_.remove_prefix(i + 1);
        return value;
    }
    ok_ = false;
    return 0;
}

}  // namespace holdfast::mover
