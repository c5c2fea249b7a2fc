#include "common/view/table.h"

#include <doctest/doctest.h>

#include <algorithm>

using holdfast::view::Table;

TEST_CASE("columns are three spaces apart and as wide as their widest cell") {
    Table table({"NAME", "READY", "AGE"});
    table.row({"before-migration", "3/3", "2m5s"});
    table.row({"x", "", "1d"});
    CHECK(table.text() ==
          "NAME               READY    AGE\n"
          "before-migration   3/3      2m5s\n"
          "x                  <none>   1d\n");
}

TEST_CASE("widths count characters, not bytes") {
    Table table({"NAME", "AGE"});
    table.row({"größe", "1d"});
    table.row({"small", "2d"});
    CHECK(table.text() == "NAME    AGE\ngröße   1d\nsmall   2d\n");
}

TEST_CASE("escape sequences, line ends and bidirectional overrides in cells are shown, not sent to the terminal") {
    Table table({"NAME"});
    table.row(
        {"a\x1b]52;c;cm0=\x07"
         "b\r\nc\xe2\x80\xae"});
    const std::string text = table.text();
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find("\xe2\x80\xae") == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("missing cells are filled and the table knows when it is empty") {
    Table table({"NAME", "AGE"});
    CHECK(table.empty());
    table.row({"x"});
    CHECK_FALSE(table.empty());
    CHECK(table.text() == "NAME   AGE\nx      <none>\n");
}
