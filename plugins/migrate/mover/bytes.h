// Numbers and texts as bytes, for frames and index records: little endian, lengths before contents. Reading is bounded
// by its input and by the limits given, and never trusts a length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::mover {

// Appends to `out`, which must outlive it.
class Encoder {
  public:
    explicit Encoder(std::string& out) : out_(out) {}
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value);
    void u64(std::uint64_t value);
    void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
    void number(std::uint64_t value);   // 7 bits a byte, small numbers are short
    void text(std::string_view value);  // its length as number(), then its bytes
    void raw(std::string_view value) { out_.append(value); }

  private:
    std::string& out_;
};

// Reads what Encoder wrote. After the first thing that is not there every answer is 0 or "", and ok() is false: callers
// ask once, at the end. Texts are views into the input.
class Decoder {
  public:
    explicit Decoder(std::string_view input) : rest_(input) {}
    std::uint8_t u8();
    std::uint32_t u32();
    std::uint64_t u64();
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    std::uint64_t number();
    std::uint64_t number(std::uint64_t most);  // over `most`: not ok
    std::string_view text(std::size_t longest);
    std::string_view raw(std::size_t length);
    void fail() { ok_ = false; }

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace holdfast::mover
