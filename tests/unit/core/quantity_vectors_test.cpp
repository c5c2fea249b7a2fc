// Outputs of apimachinery's own Quantity for these texts: canonical form and bytes.
#include "common/core/quantity.h"

#include <doctest/doctest.h>

#include <climits>
#include <string>

using holdfast::canonical_quantity;
using holdfast::Quantity;

namespace {

struct Vector {
    const char* text;
    const char* canonical;
    long long bytes;
};

constexpr Vector kVectors[] = {
    {"0", "0", 0},
    {"0Ki", "0", 0},
    {"00", "0", 0},
    {"-0", "0", 0},
    {"1Ki", "1Ki", 1024},
    {"1000Ki", "1000Ki", 1024000},
    {"1023.5Ki", "1048064", 1048064},
    {"1024Mi", "1Gi", 1073741824},
    {"1025Mi", "1025Mi", 1074790400},
    {"1.5Gi", "1536Mi", 1610612736},
    {"0.5Mi", "512Ki", 524288},
    {"0.5Ki", "512", 512},
    {"6.987654321G", "6987654321", 6987654321},
    {"100Ti", "100Ti", 109951162777600},
    {"3Ei", "3Ei", 3458764513820540928},
    {"7Ei", "7Ei", 8070450532247928832},
    {"9223372036854775807", "9223372036854775807", LLONG_MAX},
    {"1000M", "1G", 1000000000},
    {"0.001T", "1G", 1000000000},
    {"1500M", "1500M", 1500000000},
    {"50k", "50k", 50000},
    {"1.G", "1G", 1000000000},
    {"1.", "1", 1},
    {".001", "1m", 1},
    {".0001k", "100m", 1},
    {"100m", "100m", 1},
    {"1000m", "1", 1},
    {"0.1Gi", "107374182400m", 107374183},
    {"0.05Gi", "53687091200m", 53687092},
    {"0.025Ti", "27487790694400m", 27487790695},
    {"100.035Ki", "102435840m", 102436},
    {"10.1Gi", "10844792422400m", 10844792423},
    {".001Ki", "1024m", 2},
    {".000001Ki", "1024u", 1},
    {"0.000000000001Ki", "2n", 1},
    {"1e3", "1e3", 1000},
    {"1E3", "1e3", 1000},
    {"1e14", "100e12", 100000000000000},
    {"1.2e3", "1200", 1200},
    {"1.3E+6", "1300e3", 1300000},
    {"1e0", "1", 1},
    {"1E", "1E", 1000000000000000000},
    {"1E18", "1e18", 1000000000000000000},
    {"1E-3", "1e-3", 1},
    {"0.5e-2", "5e-3", 1},
    {"3.001n", "4n", 1},
    {"0.0000000001", "1n", 1},
    {"0.00000012345", "124n", 1},
    {"100.035k", "100035", 100035},
    {"+5Gi", "5Gi", 5368709120},
    {"007Gi", "7Gi", 7516192768},
};

}  // namespace

TEST_CASE("a quantity has the canonical form and the bytes that apimachinery gives it") {
    for (const Vector& vector : kVectors) {
        CAPTURE(vector.text);
        const auto parsed = Quantity::parse(vector.text);
        REQUIRE(parsed.ok());
        CHECK(parsed->bytes() == vector.bytes);
        const auto canonical = canonical_quantity(vector.text);
        REQUIRE(canonical.ok());
        CHECK(*canonical == vector.canonical);
        // Of its canonical form, each is what it was.
        CHECK(canonical_quantity(*canonical).value() == *canonical);
    }
}

TEST_CASE("what apimachinery clamps, lets overflow or reads without a digit is no size") {
    for (const char* text : {"8Ei", "9Ei", "9223372036854775807Ki", "9223372036854775808", "12E", "1000E", "-1.5Gi",
                             ".", "-", "Gi", "e3", "1e4294967299", "1e2147483648", "1e101", "1e-101"}) {
        CAPTURE(text);
        CHECK_FALSE(Quantity::parse(text).ok());
        CHECK_FALSE(canonical_quantity(text).ok());
    }
}

TEST_CASE("what apimachinery refuses is no size") {
    for (const char* text :
         {"",      "1gi",    "1GiB", "1GB", "5 Gi", " 5Gi", "5Gi ", "1,5Gi", "1_000", "0x10", "1e3Gi",   "1e3.5",
          "1.1.M", "1+1.0M", "aoeu", "1Zi", "1e",   "1K",   "1ki",  "0.1mi", ".5i",   "1i",   "-3.01e-", "--1"}) {
        CAPTURE(text);
        CHECK_FALSE(Quantity::parse(text).ok());
    }
}
