// The value of a Date header.
#pragma once

#include "common/core/duration.h"

#include <optional>
#include <string>

namespace holdfast::http {

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", and the older forms; nullopt: no such one.
std::optional<SystemTime> time_of_date(const std::string& value);

}  // namespace holdfast::http
