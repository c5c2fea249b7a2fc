// Who else is at work on a cluster (reliability: concurrent actors): each acts once, just before one request of the
// command.
#pragma once

#include "tests/crash/command.h"

#include <string>
#include <vector>

namespace holdfast::crash {

enum class Actor {
    kAutoscaler,     // an HPA raises replicas to 3; one at 0 is left alone, as the HPA does
    kEventScaler,    // KEDA and its like: wakes a workload that is at 0
    kGitops,         // puts replicas and claim retention back to what the manifest says
    kReplaces,       // the StatefulSet is deleted, its pods left, and made anew from its manifest
    kSameCommand,    // a second user types the same line
    kOtherCommand,   // a second user types another one for the same workload
    kOtherPlugin,    // a second user types a command of another plugin for it
    kEviction,       // a pod of the workload is deleted
    kTidies,         // a throwaway of the operation is deleted
    kDropsClaim,     // a claim of the workload is deleted
    kRevertsPolicy,  // a volume that was set to Retain is set back to Delete
    kEndsSpace,      // the namespace is deleted; at half of the requests its controller has begun, too
    kTakesOver,      // our process is stopped (SIGSTOP) for 15 s; a second one goes on; then ours wakes
    kTakesBack,      // the same, but the second one aborts the operation
    kRebuilds,       // a claim of the workload and its pod are deleted: the StatefulSet makes both anew, and empty
    kMarks,          // a restore in place of another workload, which mounts a claim too, marks its volume
    kGrows,          // an autoresizer asks a claim of the workload for 2Gi; at half of the requests it has them, too
    kCount,
};

std::string actor_name(Actor actor);
std::vector<Actor> all_actors();

struct Acted {
    bool happened = false;
    kube::ObjectRef on;  // what was changed
};

// What the actors do that need no process of ours. `turn` chooses among several objects. False if there is nothing for
// it to do here.
Acted act(Actor actor, sim::Sim& sim, const sim::Sim& start, int turn);

}  // namespace holdfast::crash
