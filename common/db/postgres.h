// What PostgreSQL says of a data directory, and how a throwaway server is started on a copy of one. Pure.
#pragma once

#include "common/core/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::db {

// What identifies a cluster of databases, from `pg_controldata` (run with LC_ALL=C).
struct ControlData {
    std::string system_identifier;  // decimal, 64 bits
    std::string timeline;           // of the latest checkpoint
    std::string control_version;    // "1300"
    std::string catalog_version;    // "202209061"
    std::string state;              // "in production", "shut down", "in archive recovery", ...
};
// kInvalid: the text is not pg_controldata's, or it lacks system identifier or timeline.
Result<ControlData> parse_control_data(std::string_view text);

// The major version in a PG_VERSION file ("15\n", "9.6\n") or in SHOW server_version ("15.14 (Debian ...)" gives "15",
// "9.6.24" gives "9.6"). kInvalid: neither.
Result<std::string> major_version(std::string_view text);

// What the server answers to kIdentityQuery.
struct Identity {
    std::string version;  // "15.14 (Debian 15.14-0+deb12u1)"
    std::string system_identifier;
    std::string timeline;
};
// One row of three columns; needs a superuser or pg_monitor.
inline constexpr char kIdentityQuery[] =
    "select current_setting('server_version'), (select system_identifier from pg_control_system()),"
    " (select timeline_id from pg_control_checkpoint())";
Result<Identity> parse_identity(std::string_view row);  // as psql -qtAX prints it; kMismatch otherwise

}  // namespace holdfast::db
