#include "common/db/postgres.h"

#include "common/core/text.h"

#include <cctype>

namespace holdfast::db {
namespace {

bool is_number(std::string_view text) {
    if (text.empty() || text.size() > 20) return false;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
    }
    return true;
}

std::string_view leading_digits(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    return text.substr(0, end);
}

}  // namespace

Result<ControlData> parse_control_data(std::string_view text) {
    ControlData data;
    for (const std::string& line : split(text, '\n')) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::string key(trim(std::string_view(line).substr(0, colon)));
        const std::string value(trim(std::string_view(line).substr(colon + 1)));
        if (key == "Database system identifier") data.system_identifier = value;
        if (key == "Latest checkpoint's TimeLineID") data.timeline = value;
        if (key == "pg_control version number") data.control_version = value;
        if (key == "Catalog version number") data.catalog_version = value;
        if (key == "Database cluster state") data.state = value;
    }
    if (!is_number(data.system_identifier) || !is_number(data.timeline)) {
        return Error{ErrorKind::kInvalid, "pg_controldata printed no system identifier and timeline", "", 0, ""};
    }
    return data;
}

Result<std::string> major_version(std::string_view text) {
    const std::string_view version = trim(text);
    const std::string_view first = leading_digits(version);
    if (is_number(first) && first.size() <= 3) {
        if (first.size() > 1) return std::string(first);  // 10 and later
        // Before 10 the second number belongs to the major version.
        if (version.size() > first.size() && version[first.size()] == '.') {
            const std::string_view second = leading_digits(version.substr(first.size() + 1));
            if (is_number(second)) return std::string(first) + "." + std::string(second);
        }
    }
    return Error{ErrorKind::kInvalid, "\"" + escape_line(version.substr(0, 40)) + "\" is no PostgreSQL version", "", 0,
                 ""};
}

Result<Identity> parse_identity(std::string_view row) {
    const std::vector<std::string> columns = split(row, '|');
    if (columns.size() != 3 || !is_number(columns[1]) || !is_number(columns[2]) || !major_version(columns[0]).ok()) {
        return Error{ErrorKind::kMismatch,
                     "the database did not say which version and system it is: " + escape_line(row.substr(0, 200)), "",
                     0, ""};
    }
    return Identity{columns[0], columns[1], columns[2]};
}

}  // namespace holdfast::db
