#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/wide_hash.h"

#include <doctest/doctest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace holdfast::mover {

TEST_CASE("a hash is the same with the processor's wide registers and without") {
    std::string bytes;
    for (int i = 0; i < 70000; ++i) bytes.push_back(static_cast<char>(i * 2654435761u >> 13));
    for (const std::size_t length : {0, 1, 16, 17, 240, 241, 1024, 16384, 70000}) {
        CAPTURE(length);
        XXH128_canonical_t expected;
        XXH128_canonicalFromHash(&expected, XXH3_128bits(bytes.data(), length));
        CHECK(std::memcmp(digest_of(bytes.substr(0, length)).data(), expected.digest, 16) == 0);
        CHECK(checksum_of(bytes.substr(0, length), 7) == XXH3_64bits_withSeed(bytes.data(), length, 7));
        if (!wide_hash_there()) continue;
        unsigned char wide[16];
        wide_hash128(bytes.data(), length, wide);
        CHECK(std::memcmp(wide, expected.digest, 16) == 0);
    }
}

TEST_CASE("the checksum of two parts is that of both together") {
    const std::string whole(300000, 'x'), part(1000, 'y');
    CHECK(checksum_of(part, whole) == checksum_of(part + whole));
    CHECK(checksum_of(part, std::string_view()) == checksum_of(part));
    CHECK(checksum_of(std::string_view(), whole) == checksum_of(whole));
}

}  // namespace holdfast::mover
