#include "common/core/hash.h"

#include <openssl/evp.h>

#include <cassert>
#include <cstdio>

namespace holdfast {

std::string short_hash(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    [[maybe_unused]] const int done = EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr);
    assert(done == 1 && length == 32);
    std::string hex;
    for (int i = 0; i < 8; ++i) {
        char buffer[3];
        std::snprintf(buffer, sizeof buffer, "%02x", static_cast<unsigned>(digest[i]));
        hex += buffer;
    }
    return hex;
}

}  // namespace holdfast
