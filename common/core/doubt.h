// Whether a write was carried out although its answer does not say so.
#pragma once

#include "common/core/error.h"

namespace holdfast {

// The answer was lost, or the server could not answer: only a fresh read tells whether the write was done.
inline bool in_doubt(const Error& error) {
    return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout ||
           error.kind == ErrorKind::kConnect;
}

}  // namespace holdfast
