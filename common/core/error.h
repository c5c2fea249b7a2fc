// What went wrong, in few kinds: a kind is chosen by what the caller does next (retry, report, take over, stop).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace holdfast {

enum class ErrorKind {
    kNotFound,       // the object is not there
    kAlreadyExists,  // another object has the name
    kConflict,       // resourceVersion or uid differ: someone else wrote
    kForbidden,      // RBAC says no; message names verb and resource
    kUnauthorized,   // who we are was not accepted (401, TLS, exec plugin)
    kInvalid,        // the server or we call the input wrong
    kUsage,          // the command line is wrong
    kRefused,        // a safety rule stops us; nothing was changed
    kLocked,         // another operation holds the workload
    kGone,           // 410: the watch or list continuation is too old
    kUnavailable,    // the server or a daemon cannot answer now; trying again may help
    kConnect,        // no connection could be made at all
    kTimeout,        // no progress in the time that was given
    kMismatch,       // data was read and is not as expected
    kFailed,         // failed, and nothing is left half-way (a hook failed and was undone)
    kInterrupted,    // SIGINT or SIGTERM
    kProtocol,       // the peer sent what its protocol does not allow
    kInternal,       // a mistake of ours
};

// The kind's name as it stands in JSON output, for example "not_found".
std::string_view kind_name(ErrorKind kind);

// An error as the user will see it. message: lower case, no full stop, names the object ("pvc/db/data-0: ...") and says
// what holds now. hint: the next command or flag, may be empty. Server text inside is already escaped.
struct Error {
    ErrorKind kind = ErrorKind::kInternal;
    std::string message;
    std::string hint = {};
    int http_status = 0;      // 0 if no HTTP reply is behind it
    std::string reason = {};  // Kubernetes' metav1.Status.reason, for example "AlreadyExists"

    // The same error with "what: " before its message; kind, hint and status stay.
    [[nodiscard]] Error with_context(std::string_view what) const;
};

}  // namespace holdfast
