// What must not be seen, taken out of what -v shows: by type and by name, not by log level. Pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::http {

// "Bearer abc" -> "Bearer <masked>"; values of Authorization, Proxy-Authorization, Cookie and Set-Cookie. Others stay,
// but passwords within connection strings go.
std::string mask_header(std::string_view name, std::string_view value);

// A request's or reply's body as it may be shown, at most `limit` bytes ("... [truncated N chars]" as kubectl says it).
// JSON is read, and of it are masked: data and stringData of Secrets (also in lists, watch events and
// last-applied annotations), tokens of TokenRequests, credentials of ExecCredentials, values of environment variables
// and keys whose name tells a secret, passwords in connection strings. What is not JSON, or over 8 MiB, is described
// and not shown.
std::string mask_body(std::string_view body, std::size_t limit);

// "postgres://u:secret@h/d" -> "postgres://u:<masked>@h/d"; "password=secret" and its like too.
std::string mask_text(std::string_view text);

}  // namespace holdfast::http
