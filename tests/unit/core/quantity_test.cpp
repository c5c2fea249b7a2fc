#include "common/core/quantity.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using holdfast::Quantity;

TEST_CASE("a quantity has as many bytes as the API server says") {
    const std::pair<const char*, long long> cases[] = {{"10Gi", 10737418240},
                                                       {"1500M", 1500000000},
                                                       {"1e3", 1000},
                                                       {"1E3", 1000},
                                                       {"0.5Gi", 536870912},
                                                       {"1", 1},
                                                       {"0", 0},
                                                       {"0.1", 1},
                                                       {"100m", 1},
                                                       {"1.5", 2},
                                                       {"+5k", 5000},
                                                       {"12e-1", 2},
                                                       {"9223372036854775807", INT64_MAX},
                                                       {"7Ei", 8070450532247928832},
                                                       {"1n", 1},
                                                       {".5Ki", 512}};
    for (const auto& [text, bytes] : cases) {
        CAPTURE(text);
        const auto parsed = Quantity::parse(text);
        REQUIRE(parsed.ok());
        CHECK(parsed->bytes() == bytes);
        CHECK(parsed->text() == text);
    }
}

TEST_CASE("bad input 41: what is no quantity is named and refused") {
    for (const char* text : {"", "-5Gi", "1e999", "abc", "Gi", "1..2", "1Gb", "1 Gi", "8Ei", "9223372036854775808",
                             "1e", "1e+", ".", "+", "1KI"}) {
        CAPTURE(text);
        const auto parsed = Quantity::parse(text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().kind == holdfast::ErrorKind::kInvalid);
    }
}

TEST_CASE("bytes become the shortest exact binary quantity") {
    CHECK(Quantity::from_bytes(10737418240).text() == "10Gi");
    CHECK(Quantity::from_bytes(1000).text() == "1000");
    CHECK(Quantity::from_bytes(1536).text() == "1536");
    CHECK(Quantity::from_bytes(0).text() == "0");
    CHECK(Quantity::from_bytes(268435456).text() == "256Mi");
}
