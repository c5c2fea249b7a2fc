// The commands of the matrix. A new command is one more Entry in its plugin's own file (snap_entries.cpp, ...); a new
// plugin is such a file and a line in plugins.cpp. docs/testing.md says how.
#pragma once

#include "tests/crash/command.h"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::crash {

// What the user does after a run that did not end well.
// kGc: first gc, which must leave nothing that runs or costs, then abort.
enum class Way { kRerun, kResume, kAbort, kGc };
std::string way_name(Way way);

// Which data the user asks to be deleted.
enum class Deletes { kNothing, kSnapshots, kKeptVolumes };

struct Entry {
    std::string name;             // "snap-create-hold"
    std::string plugin, command;  // whose case it is; plugin "" : a command of app itself, the same in all
    // Makes the world from which the command starts; null: the world as it is.
    std::function<void(sim::Sim&)> prepare;
    // The command line, which may name an operation that `prepare` has left.
    std::function<CommandLine(const sim::Sim&)> line;
    std::vector<Way> ways = {Way::kRerun, Way::kResume, Way::kAbort};
    // How it ends when it is run again after it was done: it finds nothing to delete, or its name taken. Nothing may
    // change then.
    int exit_when_done = 0;
    // After a fault the end of this line is as good: facts that are only good to have, a quiescence that an interrupted
    // run cannot promise any more.
    std::function<CommandLine(const sim::Sim&)> or_else = nullptr;
    // Second kills after every nth write only: of commands that differ little from another entry.
    int doubles_every = 1;
    // abort takes back what was made, not what was found out: a drill's mark stays on its set.
    bool mark_stays = false;
    Deletes deletes = Deletes::kNothing;
    // Somebody else acts before every nth request, each actor shifted against the others.
    int actors_every = 4;
    // What a second user types for the same workload; null: a set or an ordinal of sts/postgres.
    std::function<CommandLine(const sim::Sim&)> other = nullptr;
    // Each fault but kills and what fails in a pod at every nth request only, each shifted against the others: of a
    // line that differs little from another entry of the same command.
    int faults_every = 1;
    // Nothing that it does may end a pod of a workload (Invariants::keep_pods).
    bool pods_stay = false;
    std::string restarts = {};  // a StatefulSet whose pods it may end nevertheless, one at a time
    // A claim may ask for less: what it asked for cannot be had.
    bool asks_less = false;
    bool all_at_once = false;  // the pods of `restarts` may all be ended together: they are stopped
    // After the point of no return abort does not refuse, since that would leave a workload stopped: it brings that
    // back and ends the operation, and the command line begins it anew.
    bool aborts_forward = false;
    // It goes on with a masking that another line has begun: what is not masked is reached by nobody.
    bool masks = false;
    // Of a line that goes on with an operation by its name: the one that began it. Once the operation has ended, that
    // is what is typed for what somebody has undone after its last look.
    CommandLine begun_by = {};
};

// All, of every plugin.
const std::vector<Entry>& matrix();

// --- For those who write entries.

inline const std::vector<Way> kAll = {Way::kRerun, Way::kResume, Way::kAbort};
// Of what makes throwaways.
inline const std::vector<Way> kThrowaways = {Way::kRerun, Way::kResume, Way::kAbort, Way::kGc};
// Of what abort leaves to the user.
inline const std::vector<Way> kForward = {Way::kRerun, Way::kResume};
inline const std::vector<Way> kAgain = {Way::kRerun};
inline constexpr int kNothingLeft = 1;  // exit_when_done, "not found": it was deleted, or its journal is gone
inline constexpr int kNameTaken = 3;    // a fixed name is not used twice, however it came to be there

// A line that is the same in every world.
std::function<CommandLine(const sim::Sim&)> always(CommandLine line);
// The command on the operation that is open, else on one that is done: "restore", "undo".
std::function<CommandLine(const sim::Sim&)> on_operation(const std::string& plugin, const std::string& command);
// Sets "before" of sts/postgres and "papers" of deploy/files.
void make_set(sim::Sim& sim);
// Ends the program if a preparing command fails: the harness is wrong then.
void must_run(sim::Sim& sim, const CommandLine& line);
// Runs it and kills it before its first request of this kind, then lets the cluster come to rest.
void kill_at(sim::Sim& sim, const CommandLine& line, sim::Verb verb);
void kill_at(sim::Sim& sim, const CommandLine& line, const std::function<bool(const sim::Call&)>& chosen);
// The same after its last request of this kind for such an object was carried out, before the answer.
void kill_after(sim::Sim& sim, const CommandLine& line, sim::Verb verb, const kube::Resource& resource);

}  // namespace holdfast::crash
