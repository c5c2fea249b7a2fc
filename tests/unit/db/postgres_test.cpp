#include "common/db/postgres.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("pg_controldata gives system identifier, timeline and state") {
    const auto data = db::parse_control_data(
        "pg_control version number:            1300\nCatalog version number:               202209061\n"
        "Database system identifier:           7556312345678901234\nDatabase cluster state:               in "
        "production\n"
        "Latest checkpoint's REDO WAL file:    000000010000000000000001\nLatest checkpoint's TimeLineID:       3\n"
        "Latest checkpoint's PrevTimeLineID:   2\n");
    REQUIRE(data.ok());
    CHECK(data->system_identifier == "7556312345678901234");
    CHECK(data->timeline == "3");
    CHECK(data->control_version == "1300");
    CHECK(data->state == "in production");
}

TEST_CASE("text that pg_controldata did not print is refused") {
    CHECK(db::parse_control_data("pg_controldata: error: could not open file").error().kind == ErrorKind::kInvalid);
    CHECK_FALSE(db::parse_control_data("Database system identifier: twelve\nLatest checkpoint's TimeLineID: 1\n").ok());
}

TEST_CASE("a major version is one number from PostgreSQL 10 on and two before") {
    CHECK(db::major_version("15\n").value() == "15");
    CHECK(db::major_version("15.14 (Debian 15.14-0+deb12u1)").value() == "15");
    CHECK(db::major_version("18beta1").value() == "18");
    CHECK(db::major_version("9.6.24").value() == "9.6");
    CHECK_FALSE(db::major_version("9").ok());
    CHECK_FALSE(db::major_version("").ok());
    CHECK_FALSE(db::major_version("MariaDB").ok());
}

TEST_CASE("the identity row is read as psql prints it") {
    const auto identity = db::parse_identity("15.14 (Debian 15.14-0+deb12u1)|7556312345678901234|1");
    REQUIRE(identity.ok());
    CHECK(identity->system_identifier == "7556312345678901234");
    CHECK(identity->timeline == "1");
    CHECK(db::parse_identity("15.14||1").error().kind == ErrorKind::kMismatch);
    CHECK_FALSE(db::parse_identity("").ok());
}
