#include "plugins/migrate/mover/digest.h"

#include "plugins/migrate/mover/wide_hash.h"

#define XXH_INLINE_ALL
#include <openssl/evp.h>
#include <xxhash.h>

#include <cassert>
#include <cstring>

namespace holdfast::mover {

namespace {

const bool kWide = wide_hash_there();

}  // namespace

Digest digest_of(std::string_view bytes) {
    Digest digest;
    if (kWide) {
        wide_hash128(bytes.data(), bytes.size(), digest.data());
    } else {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
        std::memcpy(digest.data(), canonical.digest, digest.size());
    }
    // The two values with a meaning of their own are nobody's hash.
    if (digest == kHole || digest == kUnknown) digest[0] = 1;
    return digest;
}

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed) {
    if (kWide) return wide_hash64(bytes.data(), bytes.size(), seed);
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t checksum_of(std::string_view front, std::string_view back) {
    if (back.empty()) return checksum_of(front);
    if (kWide) return wide_hash64(front.data(), front.size(), back.data(), back.size());
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, front.data(), front.size());
    XXH3_64bits_update(&state, back.data(), back.size());
    return XXH3_64bits_digest(&state);
}

bool all_zero(std::string_view bytes) {
    if (bytes.empty()) return true;
    return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::string hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        out.push_back(kDigits[(static_cast<unsigned char>(byte) >> 4) & 15]);
        out.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
    }
    return out;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    [[maybe_unused]] const int began = EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
    assert(began == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::add(std::string_view bytes) {
    EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
    std::string out(32, '\0');
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
}

}  // namespace holdfast::mover
