// What a plan refuses before it has changed anything.
#pragma once

#include "common/core/error.h"

#include <string>
#include <utility>

namespace holdfast {

// "MESSAGE; nothing was changed", exit code 3. The hint is the remedy.
inline Error refused(std::string message, std::string hint) {
    return {ErrorKind::kRefused, std::move(message) + "; nothing was changed", std::move(hint)};
}

}  // namespace holdfast
