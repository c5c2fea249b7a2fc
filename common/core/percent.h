// Percent-encoding (RFC 3986), for paths, queries, header names and connection URIs.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// Every byte but the unreserved ones (letters, digits, - . _ ~) and those of `also` becomes %XX.
std::string percent_encode(std::string_view text, std::string_view also = "");

}  // namespace holdfast
