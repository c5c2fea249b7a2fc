#include "common/core/error.h"

namespace holdfast {

std::string_view kind_name(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kNotFound:
            return "not_found";
        case ErrorKind::kAlreadyExists:
            return "already_exists";
        case ErrorKind::kConflict:
            return "conflict";
        case ErrorKind::kForbidden:
            return "forbidden";
        case ErrorKind::kUnauthorized:
            return "unauthorized";
        case ErrorKind::kInvalid:
            return "invalid";
        case ErrorKind::kUsage:
            return "usage";
        case ErrorKind::kRefused:
            return "refused";
        case ErrorKind::kLocked:
            return "locked";
        case ErrorKind::kGone:
            return "gone";
        case ErrorKind::kUnavailable:
            return "unavailable";
        case ErrorKind::kConnect:
            return "connect";
        case ErrorKind::kTimeout:
            return "timeout";
        case ErrorKind::kMismatch:
            return "mismatch";
        case ErrorKind::kFailed:
            return "failed";
        case ErrorKind::kInterrupted:
            return "interrupted";
        case ErrorKind::kProtocol:
            return "protocol";
        case ErrorKind::kInternal:
            return "internal";
    }
    return "internal";
}

Error Error::with_context(std::string_view what) const {
    Error copy = *this;
    copy.message = std::string(what) + ": " + message;
    return copy;
}

}  // namespace holdfast
