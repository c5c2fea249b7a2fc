// Proof before outage (safety R7): claims made from the set beside the live ones, each mounted read-only by a throwaway
// pod with the workload's own image, which looks at what is on it. Pure.
#pragma once

#include "common/copies/throwaway.h"
#include "common/plan/step.h"
#include "plugins/restore/shared.h"
#include "plugins/restore/swap_facts.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

// The source as it is going to be run: members that are meant, containers and placement of the live workload instead of
// the recorded ones. pods: those of the workload, for the image that they really run.
Source live_source(const Source& source, const std::vector<const Member*>& members, const Json& workload,
                   const std::vector<Json>& pods);

struct Proof {
    Engine engine;
    std::vector<Instance> instances;  // their claims are the temporary ones, by the record
};
// kRefused as choose_engine and choose_claim.
Result<Proof> prepare_proof(const Source& source, const SwapRecord& record, const std::string& operation,
                            const std::string& image);

plan::Plan plan_proof(const Proof& proof, const Source& source, const SwapRecord& record, const std::string& operation);

// What a throwaway pod of ours found wrong, in its own words; nullopt: none has failed. kMismatch: the data; else
// kUnavailable: image, user, memory.
std::optional<Error> proof_failure(const SwapFacts& facts);

}  // namespace holdfast::restore
