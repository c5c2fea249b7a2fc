// What a command line that cannot be meant ends with.
#pragma once

#include "common/core/error.h"

#include <string>
#include <utility>

namespace holdfast {

// A command line that cannot be meant: exit 2, and nothing was read or changed.
inline Error usage_error(std::string message, std::string hint = "") {
    return Error{ErrorKind::kUsage, std::move(message), std::move(hint)};
}

}  // namespace holdfast
