// The exit codes of every command, in one place: help prints this table, run.cpp maps errors by it.
#pragma once

#include "common/core/error.h"

namespace holdfast::app {

enum ExitCode {
    kDone = 0,    // done, and a fresh read proved it
    kFailed = 1,  // failed, nothing is left half-way
    kWrongUsage = 2,
    kRefused = 3,    // before any change
    kBusy = 4,       // someone else is at it
    kResumable = 5,  // stopped part-way, safe to resume
    kUnexpectedData = 6,
    kNoAccess = 7,  // cannot connect or not allowed
    kFindings = 8,  // at or above --fail-on
};

// `started`: a write of this run has been sent, so that an infrastructure error is "part-way" (5) and not "failed" (1).
int exit_code(const Error& error, bool started);
// The help section "Exit codes:".
const char* exit_code_help();

}  // namespace holdfast::app
