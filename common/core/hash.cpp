#include "common/core/hash.h"

#include <openssl/evp.h>

#include <cassert>
#include <memory>

namespace holdfast {
namespace {

// Fetched once: EVP_sha256() is looked up in the library's tables at every use (ossl-guide-libcrypto-introduction(7),
// "Performance").
const EVP_MD* sha256() {
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                         EVP_MD_free);
    return fetched.get();
}

}  // namespace

std::string short_hash(std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    [[maybe_unused]] const int done = EVP_Digest(text.data(), text.size(), digest, &length, sha256(), nullptr);
    assert(done == 1 && length == 32);
    std::string hex;
    for (int i = 0; i < 8; ++i) {
        hex += kDigits[digest[i] >> 4];
        hex += kDigits[digest[i] & 15];
    }
    return hex;
}

}  // namespace holdfast
