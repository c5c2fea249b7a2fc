// XXH3 with the wide registers that most x86 processors have and the program must not count on: the same values, in
// half of the time. Plain types only: what the compiler makes for these processors must be used nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::mover {

bool wide_hash_there();  // the others may be called
void wide_hash128(const char* bytes, std::size_t length, unsigned char canonical[16]);
std::uint64_t wide_hash64(const char* bytes, std::size_t length, std::uint64_t seed);
std::uint64_t wide_hash64(const char* front, std::size_t front_length, const char* back, std::size_t back_length);

}  // namespace holdfast::mover
