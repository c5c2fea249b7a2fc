#include "common/core/text.h"
#include "common/core/duration.h"
#include "common/core/names.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;  // NOLINT: a test of many small functions

TEST_CASE("bad input 37: remote text cannot move the cursor, hide or reorder") {
    CHECK(escape_line("a\x1b[31mb") == "a^[[31mb");
    CHECK(escape_line("x\ry\nz\t") == "x^My\\nz\\t");
    CHECK(escape_terminal("x\ny\tz") == "x\ny\tz");
    CHECK(escape_line("\xe2\x80\xae"
                      "evil") == "\\u202eevil");
    CHECK(escape_line("\xc2\x9b"
                      "31m") == "\\u009b31m");
    CHECK(escape_line("\xff\xc0\x80") == "\\xff\\xc0\\x80");
    CHECK(escape_line("gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80") == "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80");
    CHECK(escape_line(std::string("a\0b", 3)) == "a^@b");
}

TEST_CASE("ages are kubectl's") {
    CHECK(human_age(0) == "0s");
    CHECK(human_age(119) == "119s");
    CHECK(human_age(125) == "2m5s");
    CHECK(human_age(600) == "10m");
    CHECK(human_age(3600 * 3) == "3h");
    CHECK(human_age(3600 * 7 + 60 * 5) == "7h5m");
    CHECK(human_age(86400 * 3 + 7200) == "3d2h");
    CHECK(human_age(86400LL * 800) == "2y70d");
}

TEST_CASE("a mistyped word finds its neighbours") {
    CHECK(nearest("craete", {"create", "delete", "list"}) == std::vector<std::string>{"create"});
    CHECK(nearest("zzzz", {"create", "delete"}).empty());
}

TEST_CASE("shell words are quoted only where needed") {
    CHECK(shell_quote("sts/postgres") == "sts/postgres");
    CHECK(shell_quote("select 'x'") == "'select '\\''x'\\'''");
    CHECK(shell_quote("") == "''");
}

TEST_CASE("bad input 3: names that the API server would not take") {
    CHECK(check_dns_subdomain("data-postgres-0", "name").ok());
    CHECK(check_dns_subdomain("a.b-c.d", "name").ok());
    for (const std::string& name : {std::string("../x"), std::string(254, 'a'), std::string("A"), std::string(""),
                                    std::string("a..b"), std::string("-a"), std::string("a."), std::string("a b")}) {
        CAPTURE(name);
        CHECK_FALSE(check_dns_subdomain(name, "name").ok());
    }
}

TEST_CASE("long names are cut, and stay different") {
    const std::string a = bounded_name(std::string(70, 'x'), "-0"), b = bounded_name(std::string(71, 'x'), "-0");
    CHECK(a.size() <= 63);
    CHECK(a != b);
    CHECK(bounded_name("short", "-0") == "short-0");
}

TEST_CASE("bad input 7: durations out of range") {
    CHECK(parse_duration("90", "timeout")->count() == 90000);
    CHECK(parse_duration("1m30s", "timeout")->count() == 90000);
    CHECK(parse_duration("500ms", "timeout")->count() == 500);
    CHECK(parse_duration("1.5h", "timeout")->count() == 5400000);
    for (const char* text : {"", "-1s", "5 minutes", "1d", "99999999h", "1e5s", "."}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text, "timeout").ok());
    }
}

TEST_CASE("times go round") {
    const auto time = parse_time("2026-11-21T04:30:05Z");
    REQUIRE(time.ok());
    CHECK(format_time(*time) == "2026-11-21T04:30:05Z");
    CHECK(format_time(*parse_time("2026-11-21T06:30:05.25+02:00")) == "2026-11-21T04:30:05Z");
    CHECK_FALSE(parse_time("2026-13-21T04:30:05Z").ok());
    CHECK_FALSE(parse_time("yesterday").ok());
}
