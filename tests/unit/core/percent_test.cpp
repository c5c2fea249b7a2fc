#include "common/core/percent.h"

#include <doctest/doctest.h>

using holdfast::percent_encode;

TEST_CASE("all but the unreserved bytes of RFC 3986 are encoded, and what may stay stays") {
    CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
    CHECK(percent_encode("a/b c%") == "a%2Fb%20c%25");
    CHECK(percent_encode(std::string_view("\x00\n\xff", 3)) == "%00%0A%FF");
    CHECK(percent_encode("a:b/c", ":") == "a:b%2Fc");
    CHECK(percent_encode("").empty());
}
