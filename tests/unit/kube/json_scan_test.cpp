#include "common/kube/json_scan.h"

#include "common/kube/reply.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::kube;

TEST_CASE("depth, values and members of one object are bounded before anything is built") {
    CHECK(check_json_shape(R"({"a":[1,2,{"b":"}]"}]})") == JsonShape::kGood);
    CHECK(check_json_shape(std::string(501, '[')) == JsonShape::kTooDeep);
    CHECK(check_json_shape("[" + std::string(600000, ',') + "]") == JsonShape::kTooMany);
    std::string many = "{";
    for (int i = 0; i < 20000; ++i) many += "\"k\":1,";
    CHECK(check_json_shape(many) == JsonShape::kTooMany);
}

TEST_CASE("every truncation of a document is seen") {
    const std::string text = R"({"a":[1,"x\"y"],"b":{"c":null}})";
    for (std::size_t length = 1; length < text.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(parse_json(std::string_view(text).substr(0, length), "x").ok());
        CHECK_FALSE(scan_object(std::string_view(text).substr(0, length)).has_value());
    }
    CHECK(parse_json(text, "x").ok());
    CHECK(scan_object(text)->size() == 2);
}

TEST_CASE("elements are found as they are written") {
    const auto items = scan_array(R"( [ {"a":"]"} , 2,"x" ] )");
    REQUIRE(items.has_value());
    CHECK(*items == std::vector<std::string_view>{R"({"a":"]"})", "2", R"("x")"});
    CHECK(scan_array("[]")->empty());
    for (const char* bad : {"", "[", "[1,]", "[1] x", "[1 2]", "{}"}) {
        CAPTURE(bad);
        CHECK_FALSE(scan_array(bad).has_value());
    }
}
