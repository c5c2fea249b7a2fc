#include "common/kubeconfig/yaml.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace holdfast::kubeconfig {
namespace {

std::string read(std::string_view text) {
    const auto result = parse_yaml(text);
    return result.ok() ? result->dump() : "error: " + result.error().message;
}

TEST_CASE("unquoted scalars are read as kubectl reads them") {
    const std::pair<const char*, const char*> cases[] = {
        {"yes", "true"},
        {"on", "true"},
        {"y", "true"},
        {"N", "false"},
        {"off", "false"},
        {"True", "true"},
        {"yEs", "\"yEs\""},
        {"~", "null"},
        {"null", "null"},
        {"Null", "null"},
        {"", "null"},
        {"0x1F", "31"},
        {"017", "15"},
        {"0o17", "15"},
        {"0b11", "3"},
        {"1_000", "1000"},
        {"-0x1F", "-31"},
        {"+12", "12"},
        {"08", "8"},
        {"0", "0"},
        {"-0", "0"},
        {"1e3", "1000"},
        {"1.50", "1.5"},
        {".5", "0.5"},
        {"1.", "1"},
        {"1e400", "\"1e400\""},
        {"9223372036854775807", "9223372036854775807"},
        {"18446744073709551615", "18446744073709551615"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1:30", "\"1:30\""},
        {"2001-01-01", "\"2001-01-01\""},
        {"2001-01-01T00:00:00Z", "\"2001-01-01T00:00:00Z\""},
        {"'12'", "\"12\""},
        {"\"yes\"", "\"yes\""},
        {"0x", "\"0x\""},
        {"1_", "1"},
        {"._5", "\"._5\""},
        {"-", "[null]"},
        {"+", "\"+\""},
        {"1e", "\"1e\""},
        {"0b12", "\"0b12\""},
        {"<<", "\"<<\""},
        {".1_0", "0.1"},
        {".1_", "\".1_\""},
        {"!!timestamp 2001-1-1", "\"2001-1-1\""},
        {"!!str 123", "\"123\""},
        {"!!int \"5\"", "5"},
        {"!!float 5", "5"},
        {"!!bool yes", "true"},
        {"!mine x", "\"x\""},
        {"!!binary aGVsbG8=", "\"hello\""},
        {"- !!str\n- 1", "[\"\",1]"},
    };
    for (const auto& [text, json] : cases) {
        CAPTURE(text);
        CHECK(read(text) == json);
    }
}

TEST_CASE("keys become strings as kubectl converts them") {
    CHECK(read("n: 1") == R"({"false":1})");
    CHECK(read("\"n\": 1") == R"({"n":1})");
    CHECK(read("1: a\n1.5: b\n0x10: c\nyes: d\n2001-01-01: e") ==
          R"({"1":"a","1.5":"b","16":"c","true":"d","2001-01-01":"e"})");
    CHECK(read("1e308: a\n-1e308: b") == R"({"+Inf":"a","-Inf":"b"})");  // found by fuzzing
    CHECK(read("~: 1").find("a key must be a string") != std::string::npos);
    CHECK(read("[1]: 1").find("a key must be a string") != std::string::npos);
    CHECK(read("{a: b}: 1").find("a key must be a string") != std::string::npos);
    CHECK(read("a: &k b\n*k : c") == R"({"a":"b","b":"c"})");
}

TEST_CASE("merge keys follow yaml.v2") {
    CHECK(read("b: &b {x: 1, z: 2}\nc: {<<: *b, x: 9}") == R"({"b":{"x":1,"z":2},"c":{"x":9,"z":2}})");
    CHECK(read("b: &b {x: 1}\nc: {x: 9, <<: *b}") == R"({"b":{"x":1},"c":{"x":1}})");
    CHECK(read("c: {<<: [{x: 1}, {x: 2, z: 3}]}") == R"({"c":{"x":1,"z":3}})");
    CHECK(read("c: {\"<<\": {x: 1}}") == R"({"c":{"<<":{"x":1}}})");
    CHECK(read("c: {<<: 5}") == "error: line 1, column 9: \"<<\" takes a mapping or a list of mappings");
}

TEST_CASE("duplicate keys are refused with both lines") {
    CHECK(read("a: 1\nb: 2\na: 3\n") ==
          "error: line 3, column 1: key \"a\" stands twice in one mapping; first in line 1");
    CHECK(read("x:\n  1: a\n  \"1\": b\n") ==
          "error: line 3, column 3: key \"1\" stands twice in one mapping; first in line 2");
    CHECK(read("x: {a: 1}\nz: {a: 1}") == R"({"x":{"a":1},"z":{"a":1}})");
}

TEST_CASE("aliases are expanded, within limits, and never into themselves") {
    CHECK(read("a: &a [1, 2]\nb: *a") == R"({"a":[1,2],"b":[1,2]})");
    CHECK(read("a: &a [*a]") == "error: line 1, column 8: an anchor's value contains itself");
    CHECK(read("a: *none").find("error: line 1") == 0);
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string name = "a" + std::to_string(i), previous = "*a" + std::to_string(i - 1);
        bomb += name + ": &" + name + " [" + previous;
        for (int j = 0; j < 9; ++j) bomb += "," + previous;
        bomb += "]\n";
    }
    CHECK(read(bomb).find("aliases expand to more than 100000 values or 8Mi of text") != std::string::npos);
    const std::string text = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n";
    CHECK(read(text).find("aliases expand to more than") != std::string::npos);
}

TEST_CASE("depth is limited") {
    for (const char* pair : {"[]", "{}"}) {
        std::string deep;
        for (int i = 0; i < 10000; ++i) deep += pair[0] == '{' ? "{a: " : "[";
        CHECK(read(deep).find("nested deeper than 100 levels") != std::string::npos);
    }
    std::string block;
    for (int i = 0; i < 1000; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    CHECK(read(block).find("nested deeper than 100 levels") != std::string::npos);
    std::string fine(99, '[');
    CHECK(read(fine + std::string(99, ']')).find("error") == std::string::npos);
}

TEST_CASE("bytes that YAML does not allow are named by their offset") {
    CHECK(read(std::string("a: b\0c", 6)) == "error: byte 4 (line 1): NUL is not allowed");
    CHECK(read("a: b\nc: \xff") == "error: byte 8 (line 2): not UTF-8");
    CHECK(read("a: \xed\xa0\x80") == "error: byte 3 (line 1): not UTF-8");
    CHECK(read("a: \xc0\xaf") == "error: byte 3 (line 1): not UTF-8");
    CHECK(read("a: \x1b[31m") == "error: byte 3 (line 1): control character U+001B is not allowed");
    CHECK(read("\xef\xbb\xbf"
               "a: b") == R"({"a":"b"})");
    CHECK(read("a: \xe2\x82\xac \xf0\x9f\x98\x80") == "{\"a\":\"\xe2\x82\xac \xf0\x9f\x98\x80\"}");
}

TEST_CASE("empty text and comments are null; only the first document is read") {
    CHECK(read("") == "null");
    CHECK(read("# nothing\n") == "null");
    CHECK(read("---\n") == "null");
    CHECK(read("a: 1\n---\nb: 2\n") == R"({"a":1})");
    const auto all = parse_yaml_documents("a: 1\n---\n---\nb: 2\n");
    REQUIRE(all.ok());
    CHECK(Json(*all).dump() == R"([{"a":1},null,{"b":2}])");
}

TEST_CASE("errors have a line") {
    CHECK(read("a: [1\nb: 2").find("error: line ") == 0);
    CHECK(read("a: .nan") == "error: line 1, column 4: JSON has no number for infinity or not-a-number");
    CHECK(read("a: !!int x") == "error: line 1, column 4: the value does not fit its tag !!int");
    CHECK(read("a: !!binary /w==") == "error: line 1, column 4: the value of !!binary is not UTF-8 text");
}

TEST_CASE("JSON is YAML") {
    CHECK(read(R"({"a":"b","c":[1,2.5,null,true,{"d":"\u00e9\n"}]})") ==
          "{\"a\":\"b\",\"c\":[1,2.5,null,true,{\"d\":\"\xc3\xa9\\n\"}]}");
}

TEST_CASE("strings that mean something else are quoted, keys included") {
    CHECK(
        write_yaml(Json::parse(
            R"({"a":"yes","n":"x","b":["0x1F","1e3","~","","web-0.db/x",": ","#"],"e":{},"f":[],"g":null,"h":true,"i":7})")) ==
        "a: \"yes\"\n\"n\": x\nb:\n- \"0x1F\"\n- \"1e3\"\n- \"~\"\n- \"\"\n- web-0.db/x\n- \": \"\n- \"#\"\ne: {}\nf: "
        "[]\ng: null\nh: true\ni: 7\n");
    CHECK(write_yaml(Json::parse(
              R"({"a":[{"b":1,"c":[2,[3,4]]},[]],"t":"x\ny\n","u":"x\ny","v":" x\n","w":"a\tb\u0085\u0007"})")) ==
          "a:\n- b: 1\n  c:\n  - 2\n  - - 3\n    - 4\n- []\nt: |\n  x\n  y\nu: \"x\\ny\"\nv: \" x\\n\"\nw: "
          "\"a\\tb\\x85\\x07\"\n");
    CHECK(write_yaml(Json("no")) == "\"no\"\n");
    CHECK(write_yaml(Json("\xff")) == "\"\xef\xbf\xbd\"\n");
}

Json random_value(std::mt19937& random, int depth) {
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const auto text = [&] {
        static const char* const pieces[] = {"yes",
                                             "no",
                                             " ",
                                             "\n",
                                             ":",
                                             "- ",
                                             "#",
                                             "0",
                                             "1",
                                             "x",
                                             "e",
                                             ".",
                                             "_",
                                             "\"",
                                             "'",
                                             "\\",
                                             "\t",
                                             "{",
                                             "]",
                                             "|",
                                             ">",
                                             "&a",
                                             "*a",
                                             "!",
                                             "%",
                                             "@",
                                             "\xc3\xa9",
                                             "\xf0\x9f\x98\x80",
                                             "\x01",
                                             "\x7f",
                                             "\xc2\x85",
                                             "\xe2\x80\xa8",
                                             "\xef\xbb\xbf",
                                             "null",
                                             "~",
                                             "<<",
                                             "=",
                                             "---",
                                             "...",
                                             "\r"};
        std::string out;
        for (int i = pick(6); i > 0; --i) out += pieces[pick(static_cast<int>(std::size(pieces)))];
        return out;
    };
    switch (pick(depth > 4 ? 5 : 8)) {
        case 0:
            return Json(nullptr);
        case 1:
            return Json(pick(2) == 1);
        case 2:
            return Json(static_cast<std::int64_t>(random()) * (pick(2) == 1 ? -4096 : 1));
        case 3:
            return Json(static_cast<double>(pick(100000)) + 0.015625);
        case 4:
        case 5:
            return Json(text());
        case 6: {
            Json list = Json::array();
            for (int i = pick(4); i > 0; --i) list.push_back(random_value(random, depth + 1));
            return list;
        }
        default: {
            Json map = Json::object();
            for (int i = pick(4); i > 0; --i) map[text()] = random_value(random, depth + 1);
            return map;
        }
    }
}

TEST_CASE("what is written is read back the same") {
    for (unsigned seed = 0; seed < 3000; ++seed) {
        std::mt19937 random(seed);
        const Json value = random_value(random, 0);
        const std::string text = write_yaml(value);
        const auto back = parse_yaml(text);
        CAPTURE(seed);
        CAPTURE(text);
        REQUIRE(back.ok());
        REQUIRE(back->dump() == value.dump());
    }
}

}  // namespace
}  // namespace holdfast::kubeconfig
