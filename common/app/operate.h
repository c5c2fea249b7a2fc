// The commands that write: shows the plan, asks, drives the operation, tells how it ended.
#pragma once

#include "common/app/session.h"
#include "common/plan/journal.h"
#include "common/plan/operation.h"
#include "common/plan/operations.h"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::app {

// A command with an operation handler, from its arguments to the exit code. resume: the id of the operation to go on
// with.
int operate(Session& session, const Command& command, const Arguments& arguments,
            const std::optional<std::string>& resume);

// A plan without an operation of its own (abort, gc): shown, asked for, access-reviewed, executed. Success also if
// nothing was to be done; `started` tells whether a write was sent.
struct PlanResult {
    Status status;
    bool wrote = false;
    bool acted = false;  // false: --dry-run=client
};
PlanResult carry_out(Session& session, const plan::Plan& plan);
// The same for a plan that takes `journal`'s operation back: as plan::take_back, also if it has no steps.
PlanResult carry_out_abort(Session& session, const plan::Plan& plan, plan::Journal& journal, const plan::WayBack& back);

// Prints the error and says the exit code, for something that may have begun.
int fail_started(Session& session, const Error& error, bool wrote);

// "kubectl snap resume ID -n NS": what goes on with an operation, and what takes it back.
std::string resume_line(const std::string& plugin, const std::string& operation, const std::string& space);
std::string abort_line(const std::string& plugin, const std::string& operation, const std::string& space);

}  // namespace holdfast::app
