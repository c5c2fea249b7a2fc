// Compiled for processors with AVX2 where there are such; see CMakeLists.txt.
#include "plugins/migrate/mover/wide_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast::mover {

bool wide_hash_there() {
#ifdef __AVX2__
    return __builtin_cpu_supports("avx2") != 0;
#else
    return true;
#endif
}

void wide_hash128(const char* bytes, std::size_t length, unsigned char canonical[16]) {
    XXH128_canonical_t value;
    XXH128_canonicalFromHash(&value, XXH3_128bits(bytes, length));
    for (int i = 0; i < 16; ++i) canonical[i] = value.digest[i];
}

std::uint64_t wide_hash64(const char* bytes, std::size_t length, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}

std::uint64_t wide_hash64(const char* front, std::size_t front_length, const char* back, std::size_t back_length) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, front, front_length);
    XXH3_64bits_update(&state, back, back_length);
    return XXH3_64bits_digest(&state);
}

}  // namespace holdfast::mover
