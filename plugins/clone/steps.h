// The steps of a clone's claims, from a choice and what is there. Pure.
//
//   cut    a snapshot of every source claim at once; until they are cut, and until they can be restored
//   import  in another cluster: contents of its own of these snapshots, so that it is seen what its storage says of
//   them make   the claims from them (through contents of their own, in another namespace), bound, by throwaway pods
//   where a
//          class waits for one; then the snapshots go
//   workload   what its pods need, then the workload itself, until all of it is ready
#pragma once

#include "common/plan/operation.h"
#include "plugins/clone/facts.h"
#include "plugins/clone/workload.h"

#include <string>

namespace holdfast::clone {

plan::Plan plan_cut(const CloneOptions& options, const Choice& choice, const std::string& operation);

// `bound`: an earlier run has come so far that every claim is bound; what is left is to remove what helped.
// kRefused: a snapshot has no handle yet.
Result<plan::Plan> plan_make(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                             const plan::Input& input, bool bound);

// "the claim is", "the 3 claims are".
std::string counted(std::size_t count, const std::string& what);
// What plan_make does, without what a first plan tells.
Result<plan::Plan> make_copies(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                               const plan::Input& input, bool bound);
// Makes the snapshots known in the clone's cluster. kRefused: one has no handle yet.
Result<plan::Plan> plan_import(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                               const plan::Input& input);

// Every claim is bound. What is left of the rounds before goes first.
Result<plan::Plan> plan_workload(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                                 const Workload& workload, const plan::Input& input);
// What a first plan says of a workload that comes later: notes, rounds, permissions.
void foretell_workload(const CloneOptions& options, const Choice& choice, const Workload& workload, plan::Plan& plan);

// Names that are made of the operation's id.
std::string import_name(const CloneOptions& options, const std::string& operation, std::size_t source);
std::string consumer_name(const std::string& operation, std::size_t group);
// Copies that one throwaway pod mounts: those of one ordinal, since its pod will.
std::vector<std::vector<const Copy*>> consumer_groups(const Choice& choice);

// What is written on everything that the clone keeps.
void mark(const CloneOptions& options, const plan::Input& input, const std::string& source, Json& manifest);

}  // namespace holdfast::clone
