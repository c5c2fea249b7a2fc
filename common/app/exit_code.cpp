#include "common/app/exit_code.h"

namespace holdfast::app {

int exit_code(const Error& error, bool started) {
    switch (error.kind) {
        case ErrorKind::kUsage:
            return kWrongUsage;
        case ErrorKind::kMismatch:
            return kUnexpectedData;
        case ErrorKind::kFailed:
            return kFailed;
        case ErrorKind::kLocked:
        case ErrorKind::kConflict:
        case ErrorKind::kAlreadyExists:
            return kBusy;
        // The server or the storage could not answer: whatever holds now, the same command line may be run again.
        case ErrorKind::kGone:
        case ErrorKind::kUnavailable:
        case ErrorKind::kTimeout:
            return kResumable;
        case ErrorKind::kInterrupted:
            return 130;
        case ErrorKind::kConnect:
        case ErrorKind::kForbidden:
        case ErrorKind::kUnauthorized:
            return started ? kResumable : kNoAccess;
        case ErrorKind::kRefused:
            return started ? kResumable : kRefused;
        case ErrorKind::kNotFound:
        case ErrorKind::kInvalid:
        case ErrorKind::kProtocol:
        case ErrorKind::kInternal:
            return started ? kResumable : kFailed;
    }
    return kFailed;
}

const char* exit_code_help() {
    return "Exit codes:\n"
           "  0        done, and a fresh read proved it\n"
           "  1        failed, nothing is left half-way; also: not found\n"
           "  2        wrong usage\n"
           "  3        refused before any change; also: a plan that asks, off a terminal,\n"
           "           without --yes\n"
           "  4        someone else is at it (lock, conflict, object replaced)\n"
           "  5        stopped part-way, safe to resume; also: no progress in time\n"
           "  6        data was read and is not as expected\n"
           "  7        cannot connect or not allowed (TLS, authentication, RBAC)\n"
           "  8        findings at or above --fail-on\n"
           "  130, 143 interrupted by SIGINT, SIGTERM\n";
}

}  // namespace holdfast::app
