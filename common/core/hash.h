// Names and fingerprints that must be the same in every build of the tool. hash.cpp is the only file that includes
// OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// The first 16 hexadecimal digits of the text's SHA-256: deterministic names, argument hashes, secrets kept as a hash.
std::string short_hash(std::string_view text);

}  // namespace holdfast
