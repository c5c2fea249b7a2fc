// Parts of drive.cpp that decide nothing about the order of things: names, what is said, what came before.
#pragma once

#include "common/plan/drive.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::plan {

// "restore-postgres-7k2mc".
std::string new_operation_id(const Operation& operation);
// "to go on: kubectl restore resume ...; to take it back: ...".
// Without the abort line where it would be refused.
std::string lines_for(const Journal& journal, bool can_abort);
// The same of an operation that perhaps another plugin has begun, which alone knows whether it can be taken back.
std::string lines_for(const std::string& plugin, const std::string& operation, const std::string& space);
// Without a journal nothing can be resumed or aborted: this finds what was made.
std::string lines_without_journal(const Journal& journal);

// The journal of the operation that this command line goes on with, as it was read; nullopt: none, it begins anew.
// kLocked: an unfinished operation of the same kind on the same target was begun with other arguments (bad input 11).
// kRefused: its journal cannot be trusted (47, 48), or an object that it locked was replaced (49).
Result<std::optional<Journal>> find_earlier(World& world, Operation& operation, const DriveOptions& options);

// All that is not allowed, in one kForbidden. other: the second cluster, for checks that are of it.
Status check_allowed(kube::ClusterReader& reader, const std::vector<kube::AccessCheck>& checks,
                     const std::string& plugin, kube::ClusterReader* other = nullptr);

// Of a step of a rehearsal that was refused: only since a quota on the number of such objects has no room for one more,
// which the deletion that comes before it makes.
bool waits_for_its_place(const Step& step, const Error& error);

// A Warning event on `on`. message: why it stopped, and how to go on.
Json stop_event(const Journal& journal, const kube::ObjectRef& on, const std::string& uid, const std::string& message,
                const std::string& time);

// What cannot be tried is told; what would be refused ends it here. No journal stands yet, and nothing is written.
Status rehearse(const Plan& plan, World& world, const Limits& limits);

// What an operation's failure means whose namespace is gone or goes: which step met that first says nothing to anybody.
// Names the volumes that are kept. nullopt: the namespace is there, or may not be looked at. `told`: the volumes tell
// of the operation, so that abort finds it.
std::optional<Error> lost_with_its_space(kube::ClusterReader& reader, const Journal& journal, const Error& error,
                                         const std::function<bool()>& told);

}  // namespace holdfast::plan
