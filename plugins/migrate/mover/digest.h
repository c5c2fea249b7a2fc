// The two hashes of the mover. XXH3-128 over blocks finds faults of disks, memory and wires at memory speed; it is no
// defence against malice, which is TLS's work. SHA-256 makes the one root that a migration's record keeps.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::mover {

using Digest = std::array<unsigned char, 16>;

// What no hash says: a block that is a hole, a block of which nothing is known.
inline constexpr Digest kHole{};
inline constexpr Digest kUnknown{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

// XXH3-128 in its canonical byte order; never kHole or kUnknown.
Digest digest_of(std::string_view bytes);
// XXH3-64: checksums of index blocks and frames. `seed` chains a block to the one before it.
std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed = 0);
// Of both, one after the other, without a seed.
std::uint64_t checksum_of(std::string_view front, std::string_view back);
bool all_zero(std::string_view bytes);
std::string hex(std::string_view bytes);

class Sha256 {
  public:
    Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256();
    void add(std::string_view bytes);
    std::string finish();  // 32 bytes; nothing may be added after that

  private:
    void* context_;
};

}  // namespace holdfast::mover
