// The way of one operation from its first reading to its proven end: rounds of plan -> approve -> access review ->
// journal
// -> execute, a recovery when something fails, a fresh read at the end.
#pragma once

#include "common/plan/executor.h"
#include "common/plan/journal.h"
#include "common/plan/operation.h"

#include <functional>
#include <optional>
#include <string>

namespace holdfast::plan {

struct CommandLine {
    std::string plugin, command;        // "snap", "create"
    std::string version;                // of the binary
    Json arguments;                     // {"positionals": [...], "values": {...}}
    std::optional<std::string> resume;  // the operation to go on with; nullopt: look for one with the same arguments
};

struct DriveOptions {
    CommandLine line;
    Limits limits;
    bool plan_only = false;  // --dry-run=client: no write, not even an access review's refusal stops it
    // Shows the plan and asks where it must; an error stops before any change. Called for every round; `resuming` says
    // that an earlier run has begun it. For later rounds it only shows.
    std::function<Status(const Plan& plan, bool resuming)> approve;
    // Whether an abort of this unfinished operation would be granted now. Null: nobody can tell, and it is offered.
    std::function<bool(kube::ClusterReader& reader, const Journal& journal)> can_abort = nullptr;
};

struct DriveResult {
    Status status;
    std::string operation;   // "" if none was begun
    bool wrote = false;      // maps errors to exit code 5 instead of 1
    bool resumable = false;  // a journal is left: print the resume and abort lines
    bool can_abort = true;   // not past the point of no return, as far as is known
    Report report;           // if status.ok() and not plan_only
    std::vector<std::string> not_verified;
    std::vector<Phase> phases;
};

DriveResult drive(Operation& operation, World& world, const DriveOptions& options);

// Identifies a command line: same plugin, command, positionals and command flags give the same hash, in any order of
// flags. manner: flags that do not count (Operation::manner_flags).
std::string argument_hash(const CommandLine& line, const std::vector<std::string>& manner = {});

}  // namespace holdfast::plan
